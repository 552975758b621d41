//! What a release of flannel has, by the tag of its image: a site may bring an older one.

/// `v0.28.9`, or nothing that can be read: a digest, a tag of the site's own. That is taken for one of today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release(Option<(u32, u32, u32)>);

impl Release {
    /// The release that an image's name tells.
    pub fn of(image: &str) -> Self {
        let name = image.split('@').next().unwrap_or_default();
        let tag = name.rsplit('/').next().and_then(|last| last.split_once(':')).map_or("", |(_, tag)| tag);
        let mut numbers =
            tag.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default().split('.').map(str::parse);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(Ok(major)), Some(Ok(minor)), Some(Ok(patch))) => Release(Some((major, minor, patch))),
            _ => Release(None),
        }
    }

    /// `install-conf`, which writes the CNI configuration (flannel-io/flannel#2466).
    pub fn has_install_conf(self) -> bool {
        self.0.is_none_or(|release| release >= (0, 28, 6))
    }

    /// `/readyz` beside `/healthz` (flannel-io/flannel#2523).
    pub fn has_readyz(self) -> bool {
        self.0.is_none_or(|release| release >= (0, 28, 9))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_the_tag_and_what_has_none_is_one_of_today() {
        assert_eq!(Release::of("ghcr.io/flannel-io/flannel:v0.28.9"), Release(Some((0, 28, 9))));
        assert_eq!(Release::of("registry:5000/flannel:0.26.7-amd64"), Release(Some((0, 26, 7))));
        for image in ["registry:5000/flannel", "flannel:mine", "flannel@sha256:00", "x/flannel:v0.28"] {
            assert!(Release::of(image).has_readyz(), "{image}");
        }
        let old = Release::of("flannel:v0.28.5");
        assert!(!old.has_install_conf() && !old.has_readyz());
        assert!(Release::of("flannel:v0.28.6").has_install_conf() && !Release::of("flannel:v0.28.8").has_readyz());
    }
}
