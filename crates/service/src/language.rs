//! The language that people are answered in.

use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic_types::StatusExt;
use tower::{Layer, Service};

use crate::status;

/// A language that people are answered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Language {
    /// 简体中文, the default.
    #[default]
    ZhCn,
    /// English.
    En,
}

impl Language {
    /// What the header `accept-language` of the request asks for.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        Self::of_metadata(request.metadata())
    }

    /// The same from the headers alone.
    pub fn of_metadata(metadata: &MetadataMap) -> Self {
        metadata.get("accept-language").and_then(|value| value.to_str().ok()).map_or(Self::default(), Self::preferred)
    }

    /// The language that an `Accept-Language` text likes best (RFC 9110 §12.5.4); the default if it likes none of ours.
    pub fn preferred(accept: &str) -> Self {
        let mut best: (Self, f32) = (Self::default(), 0.0);
        // More than a handful of languages is nobody's wish.
        for range in accept.split(',').take(16) {
            let mut parts = range.trim().split(';');
            let tag = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("zh") => Self::ZhCn,
                Some("en") => Self::En,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.trim().strip_prefix("q="));
            let quality = quality.map_or(1.0, |q| q.parse().unwrap_or(0.0));
            if quality > best.1 {
                best = (language, quality);
            }
        }
        best.0
    }

    /// The language of a BCP 47 tag: for command lines.
    ///
    /// # Errors
    /// What is expected, when it is none of ours.
    pub fn of_tag(tag: &str) -> Result<Self, String> {
        let same = |language: &Self| language.tag().eq_ignore_ascii_case(tag);
        [Self::ZhCn, Self::En].into_iter().find(same).ok_or_else(|| "expected zh-CN or en".to_owned())
    }

    /// The language of a locale such as `zh_CN.UTF-8`: Chinese where it says so, else English.
    pub fn of_locale(locale: Option<&str>) -> Self {
        if locale.is_some_and(|text| text.starts_with("zh")) { Self::ZhCn } else { Self::En }
    }

    /// The text in this language.
    pub const fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::ZhCn => zh,
            Self::En => en,
        }
    }

    /// The BCP 47 tag.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }
}

/// Adds the text in the caller's language to refusals for a generic reason ([`status::REASONS`]) that have none yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct LanguageLayer;

/// See [`LanguageLayer`].
#[derive(Debug, Clone)]
pub struct Localized<S>(S);

impl<S> Layer<S> for LanguageLayer {
    type Service = Localized<S>;

    fn layer(&self, inner: S) -> Localized<S> {
        Localized(inner)
    }
}

impl<S> Service<Request<Body>> for Localized<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let accept = request.headers().get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let language = accept.map_or(Language::default(), Language::preferred);
        let answer = self.0.call(request);
        Box::pin(async move { answer.await.map(|response| localized(response, language)) })
    }
}

/// The answer, with a text if it is a refusal without one. A refusal before any message lies in the headers.
fn localized(response: Response<Body>, language: Language) -> Response<Body> {
    let Some(status) = Status::from_header_map(response.headers()) else { return response };
    let mut details = status.get_error_details();
    let Some(info) = details.error_info().filter(|info| info.domain == status::DOMAIN) else { return response };
    let reason = status::REASONS.iter().find(|reason| reason.code == info.reason);
    let (Some(reason), None) = (reason, details.localized_message()) else { return response };
    details.set_localized_message(language.tag(), reason.text(language));
    let metadata = status.metadata().clone();
    Status::with_error_details_and_metadata(status.code(), status.message(), details, metadata).into_http()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_liked_language_of_ours_is_chosen() {
        assert_eq!(Language::preferred("en-US,en;q=0.9"), Language::En);
        assert_eq!(Language::preferred("en;q=0.5, zh-CN;q=0.8"), Language::ZhCn);
        assert_eq!(Language::preferred("fr, en;q=0.1"), Language::En);
    }

    #[test]
    fn no_language_of_ours_means_chinese() {
        for accept in ["", "fr", "*", "en;q=0", "en;q=x", ";;,,"] {
            assert_eq!(Language::preferred(accept), Language::ZhCn, "{accept}");
        }
    }
}
