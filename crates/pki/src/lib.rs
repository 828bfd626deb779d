//! Keys, certificates, chains and CMS in both suites.
