//! A request on its way to the service of its path.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use eseal_service::client::Peers;
use eseal_service::status::{self, chain, generic, generic_for_now};
use eseal_service::trace::{Outgoing, PassedOn};
use http::{Request, Response};
use prost_reflect::{DescriptorError, DescriptorPool};
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Service as _, ServiceExt as _};

/// Where each gRPC service is. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Directory(Arc<HashMap<String, Place>>);

#[derive(Debug, Clone)]
struct Place {
    peer: &'static str,
    channel: Outgoing,
}

impl Directory {
    /// All gRPC services of the proto whose owner is one of these: `eseal.<owner>.v1.…`.
    ///
    /// # Errors
    /// [`DescriptorError`] for a mistake in the proto.
    pub fn try_new(peers: &Peers, owners: &[&'static str]) -> Result<Self, DescriptorError> {
        let pool = DescriptorPool::decode(eseal_proto::FILE_DESCRIPTOR_SET)?;
        let places: HashMap<&str, Place> = owners
            .iter()
            .map(|peer| (*peer, Place { peer, channel: Outgoing::new(peers.channel(peer), peer) }))
            .collect();
        let owned = pool.services().filter_map(|service| {
            let owner = service.package_name().split('.').nth(1)?.to_owned();
            Some((service.full_name().to_owned(), places.get(owner.as_str())?.clone()))
        });
        Ok(Self(Arc::new(owned.collect())))
    }

    /// Passes the request on, and the answer back, neither of which is read.
    ///
    /// # Errors
    /// Never: what goes wrong is an answer too.
    pub async fn forward(self, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let service = request.uri().path().trim_start_matches('/').split('/').next().unwrap_or_default();
        let Some(place) = self.0.get(service).cloned() else {
            return Ok(generic(Code::Unimplemented, &status::RPC_UNKNOWN).into_http());
        };
        Ok(place.pass(request).await.unwrap_or_else(|status| status.into_http()))
    }
}

impl Place {
    async fn pass(mut self, request: Request<Body>) -> Result<Response<Body>, Status> {
        let unavailable = |error: tonic::transport::Error| {
            tracing::warn!(peer = self.peer, error = chain(&error), "a service can't be reached");
            generic_for_now(Code::Unavailable, &status::SERVICE_UNAVAILABLE, std::time::Duration::from_secs(1))
        };
        let channel = self.channel.ready().await.map_err(unavailable)?;
        let mut answer = channel.call(request).await.map_err(unavailable)?;
        answer.extensions_mut().insert(PassedOn);
        Ok(answer)
    }
}
