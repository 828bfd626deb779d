//! What every process of eseal needs around its service.
