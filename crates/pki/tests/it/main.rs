//! The crate as others use it, and judged by others: OpenSSL checks what it makes, and it checks what OpenSSL makes.

mod authority;
mod cms;
mod garbage;
mod ocsp;
mod openssl;
mod samples;
mod tsp;
