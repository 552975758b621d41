//! Numbers, sizes, routes and names as people read them. A leaf: everybody may use it.

use host::processes::Owned;

/// A number and what it counts.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Bytes as people read them.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// A route as `ip route` shows it: without what goes without saying.
pub fn plain(route: &str) -> String {
    let mut words = route.split(' ').peekable();
    let mut said = Vec::new();
    while let Some(word) = words.next() {
        let next = words.peek().copied().unwrap_or_default();
        match (word, next) {
            ("unicast", _) => {}
            ("table", "254") | ("scope" | "metric", "0") | ("proto", _) => drop(words.next()),
            _ => said.push(word),
        }
    }
    said.join(" ")
}

/// A process as results name it. Its arguments may hold secrets.
pub fn named(process: &Owned) -> String {
    format!("{} ({})", process.program, process.pid)
}

/// A path of ten thousand components helps nobody.
pub fn shorten(text: &str) -> String {
    let (head, tail) = (text.char_indices().nth(200), text.char_indices().rev().nth(150));
    match (head, tail) {
        (Some((head, _)), Some((tail, _))) if head < tail => format!("{}[...]{}", &text[..head], &text[tail..]),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_reads_as_ip_route_says_it() {
        let full = "unicast 10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink table 254 proto 3 scope 0 metric 0";
        assert_eq!(plain(full), "10.244.0.0/24 via 10.244.0.0 dev flannel.1 onlink");
        let more = "blackhole 10.244.1.0/24 table 7 scope 253 metric 1024";
        assert_eq!(plain(more), more);
    }
}
