//! The door to a private key: soft cards now, hardware tokens later.
