//! The bus as a service sees it: two services, each with its own database, in one process.

mod support;

mod cluster;
mod delivering;
mod disorder;
mod ending;
mod foreign;
mod outages;
mod parking;
mod passing;
mod relaying;
mod replicas;
mod rights;
mod starting;
mod subscriber;
