//! Addresses and keys of repositories, as they are given.

use anyhow::ensure;

/// How a key begins that is given as text.
const ARMOR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

/// Where a key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// `https://…`, `file:///…`.
    Address(String),
    /// A file of the machine.
    Path(String),
    /// The key itself.
    Text(String),
}

impl Key {
    /// Tells the three apart.
    pub fn read(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        if text.contains(ARMOR) {
            return Ok(Key::Text(format!("{text}\n")));
        }
        if text.starts_with('/') && !text.contains(char::is_whitespace) {
            return Ok(Key::Path(text.to_owned()));
        }
        ensure!(
            check(text).is_ok(),
            "{:?} is not a key: it must be an address, an absolute path, or a text that begins with {ARMOR}",
            text.chars().take(40).collect::<String>()
        );
        Ok(Key::Address(text.to_owned()))
    }
}

/// Refuses what is not an address, or holds a secret that everybody could read then.
pub fn check(address: &str) -> anyhow::Result<()> {
    let wrong = "it must be http://, https:// or file:///, a host and a folder";
    let rest = ["https://", "http://", "file://"].iter().find_map(|scheme| address.strip_prefix(scheme));
    let rest = rest.unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]@%+".contains(c);
    ensure!(
        rest.len() > 1 && rest.chars().all(plain) && (rest.starts_with('/') == address.starts_with("file:")),
        wrong
    );
    let host = rest.split('/').next().unwrap_or_default();
    ensure!(
        !host.contains('@'),
        "it has a name or a password in it, which everybody on the machine could read: that goes into /etc/apt/auth.conf.d"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_password_and_what_is_not_an_address_are_refused() {
        for address in
            ["", "pkgs.example.org", "ftp://x/", "https://", "http://a b", "file://host/x", "https:///x", "http://x/\n"]
        {
            assert!(check(address).is_err(), "{address:?}");
        }
        let said = format!("{:#}", check("https://me:secret@example.org/x").unwrap_err());
        assert!(said.contains("auth.conf.d") && !said.contains("secret"), "{said}");
        assert!(check("http://[fd00::1]:8080/deb").is_ok() && check("file:///srv/deb").is_ok());
    }

    #[test]
    fn a_key_is_an_address_a_path_or_itself() {
        assert!(matches!(Key::read("/etc/key.asc").unwrap(), Key::Path(_)));
        assert!(matches!(Key::read("https://example.org/Release.key").unwrap(), Key::Address(_)));
        assert!(matches!(Key::read(&format!("{ARMOR}\n\nmQ==\n")).unwrap(), Key::Text(_)));
        assert!(format!("{:#}", Key::read("mQINBF").unwrap_err()).contains("is not a key"));
    }
}
