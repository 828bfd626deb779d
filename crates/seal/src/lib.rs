//! GB/T 38540 structures: encode, decode, make, verify.
