//! The crate as others use it, and judged by others: OpenSSL checks what it makes, and it checks what OpenSSL makes.

mod authority;
mod chains;
mod cms;
mod forge;
mod garbage;
mod ocsp;
mod openssl;
mod paths;
mod pkits;
mod samples;
mod tsp;
