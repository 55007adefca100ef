//! Images: there already, or pulled, with progress.

use std::collections::HashMap;

use bollard::query_parameters::CreateImageOptionsBuilder;
use futures_util::StreamExt;
use spunto_core::protocol::PullProgress;

use super::{Docker, Fault};

/// An image reference with the tag that a pull must name: without one Docker pulls every tag.
fn with_tag(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    if last.contains(':') || image.contains('@') { image.to_owned() } else { format!("{image}:latest") }
}

/// Whether a reference may stand in a path as it is; another one is left to Docker to refuse in its own words.
fn is_plain(image: &str) -> bool {
    image.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-/:@".contains(&c)) && !image.contains("..")
}

impl Docker {
    /// Sees to it that an image is there; `progress` is told how far a pull has come.
    ///
    /// # Errors
    /// Docker's own words.
    pub async fn ensure_image(&self, image: &str, mut progress: impl FnMut(PullProgress)) -> Result<(), Fault> {
        if is_plain(image) {
            match self.client.inspect_image(image).await.map_err(Fault::from) {
                Ok(_) => return Ok(()),
                Err(Fault::Refused { .. }) => {}
                Err(fault) => return Err(fault),
            }
        }
        let options = CreateImageOptionsBuilder::default().from_image(&with_tag(image)).build();
        let mut pull = std::pin::pin!(self.client.create_image(Some(options), None, None));
        let mut layers: HashMap<String, (u64, u64, bool)> = HashMap::new();
        while let Some(step) = pull.next().await {
            let step = step?;
            let (Some(id), Some(status)) = (step.id, step.status) else { continue };
            let layer = layers.entry(id).or_default();
            match (status.as_str(), step.progress_detail) {
                ("Downloading", Some(detail)) => {
                    let number = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
                    (layer.0, layer.1) = (number(detail.current), number(detail.total));
                }
                ("Download complete" | "Pull complete" | "Already exists", _) => {
                    layer.0 = layer.1;
                    layer.2 |= status != "Download complete";
                }
                _ => {}
            }
            let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
            progress(PullProgress {
                layers_done: count(layers.values().filter(|layer| layer.2).count()),
                layers: count(layers.len()),
                bytes_done: layers.values().map(|layer| layer.0).sum(),
                bytes: layers.values().map(|layer| layer.1).sum(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_always_names_one_tag() {
        for (image, expected) in [
            ("debian", "debian:latest"),
            ("debian:12", "debian:12"),
            ("registry:5000/a/b", "registry:5000/a/b:latest"),
            ("a@sha256:00", "a@sha256:00"),
        ] {
            assert_eq!(with_tag(image), expected);
        }
        assert!(is_plain("registry:5000/a/b@sha256:00"));
        for image in ["a?x=1", "a/../b", "a%2f", "a#b"] {
            assert!(!is_plain(image), "{image}");
        }
    }
}
