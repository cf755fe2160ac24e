//! The forms of messages over HTTP, and how a media type names one. Source: spec 20, section 3.

use oxbeam_kernel::Node;

use super::option;

/// A form in which messages travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Codec {
    HttpSig,
    Json,
    Ans104,
    /// A device that writes no bytes, or none at all.
    Other(String),
}

impl Codec {
    /// The form of this name: that of its device.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "httpsig@1.0" => Self::HttpSig,
            "json@1.0" => Self::Json,
            "ans104@1.0" => Self::Ans104,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The form that is meant when nothing is said.
    pub(super) fn default_of(node: &Node) -> Self {
        option::text(node, "default_codec").map_or(Self::HttpSig, |name| Self::named(&name))
    }

    /// The form that a media type, or a list of them, means. `None`, where it means none.
    ///
    /// A single type is read as the reference node does. Beyond it, parameters are left out, and of a
    /// list the first type that means a form counts, unless the list is content with anything.
    pub(super) fn of_media(node: &Node, text: &str) -> Option<Self> {
        let known =
            |name: &str| !matches!(Self::named(name), Self::Other(_)) || node.devices().has(name);
        if !text.contains([',', ';']) {
            return of_type(text.trim(), known);
        }
        let types: Vec<&str> = text.split(',').filter_map(wanted).collect();
        if types.contains(&"*/*") {
            return None;
        }
        types.into_iter().find_map(|media_type| of_type(media_type, known))
    }
}

/// A type of a list without its parameters, unless they say that it is not wanted.
fn wanted(range: &str) -> Option<&str> {
    let mut pieces = range.split(';').map(str::trim);
    let media_type = pieces.next()?;
    let refused = pieces.any(|piece| {
        let quality = piece.strip_prefix("q=").or_else(|| piece.strip_prefix("Q="));
        quality.is_some_and(|quality| quality.parse() == Ok(0.0_f32))
    });
    (!refused).then_some(media_type)
}

fn of_type(media_type: &str, known: impl Fn(&str) -> bool) -> Option<Codec> {
    if let Some(name) = media_type.strip_prefix("application/") {
        let name = if name.contains('@') { name.to_owned() } else { format!("{name}@1.0") };
        return known(&name).then(|| Codec::named(&name));
    }
    let device = media_type.strip_prefix("device/");
    device.or_else(|| media_type.contains('@').then_some(media_type)).map(Codec::named)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Codec> {
        of_type(text, |name| name == "json@1.0")
    }

    #[test]
    fn a_type_names_the_device_that_reads_it() {
        assert_eq!(of("application/json"), Some(Codec::Json));
        assert_eq!(of("application/json@1.0"), Some(Codec::Json));
        assert_eq!(of("device/ans104@1.0"), Some(Codec::Ans104));
        assert_eq!(of("json@1.0"), Some(Codec::Json));
        assert_eq!(of("x@1.0"), Some(Codec::Other("x@1.0".into())));
        assert_eq!(of("application/octet-stream"), None);
        assert_eq!(of("text/html"), None);
    }

    #[test]
    fn what_is_refused_is_not_wanted() {
        assert_eq!(wanted(" application/json; q=0.5"), Some("application/json"));
        assert_eq!(wanted("application/json;q=0"), None);
    }
}
