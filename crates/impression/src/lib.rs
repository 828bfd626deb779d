//! Draws and checks the picture of a seal.
