//! The wire contract: messages, services and events of eseal.
