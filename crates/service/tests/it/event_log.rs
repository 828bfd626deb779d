//! Histories over gRPC.
