//! Writes the seeds of every check into `DIR/<check>/`, where libfuzzer begins: `cargo run -p fuzz --example corpus DIR`.

use anyhow::Context as _;
use host::files::{make_dir, write_atomic};

fn main() -> anyhow::Result<()> {
    let dir = std::env::args_os().nth(1).context("give the directory of the corpora")?;
    for check in fuzz::CHECKS {
        let dir = std::path::Path::new(&dir).join(check.name);
        make_dir(&dir, 0o755)?;
        for (at, seed) in fuzz::seeds::of(check)?.iter().enumerate() {
            write_atomic(dir.join(format!("seed-{at}")), seed, 0o644)?;
        }
        let words: String = check.words.iter().map(|word| format!("\"{}\"\n", escaped(word))).collect();
        write_atomic(dir.with_extension("dict"), words.as_bytes(), 0o644)?;
    }
    Ok(())
}

/// A word as libfuzzer's dictionaries have it.
fn escaped(word: &str) -> String {
    let one = |byte: u8| match byte {
        b'"' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        other => format!("\\x{other:02x}"),
    };
    word.bytes().map(one).collect()
}
