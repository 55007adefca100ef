//! Another address for a cloud's API.

/// Where a cloud's API is, other than where it usually is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudBase {
    /// Which API: `hetzner`, `google`, `google-token`.
    pub api: String,
    /// Its address.
    pub url: String,
}

impl std::str::FromStr for CloudBase {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (api, url) = text.split_once('=').ok_or_else(|| format!("\"{text}\" is not like hetzner=http://127.0.0.1:4020/v1"))?;
        Ok(Self { api: api.to_owned(), url: url.to_owned() })
    }
}
