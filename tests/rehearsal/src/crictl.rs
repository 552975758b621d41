//! As much of crictl as a kubeadm before 1.32 calls, for distributions that do not package the real one.

use crate::cri::Cri;
use anyhow::{Result, bail};
use std::process::ExitCode;

const SOCKET: &str = "unix:///run/containerd/containerd.sock";

/// `crictl [-r SOCKET] info|pods -q|images -q|inspecti IMAGE|pull IMAGE|stopp POD|rmp POD`.
pub fn main(args: &[String]) -> ExitCode {
    match run(args) {
        Ok(said) => {
            print!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The socket, and the words that are not options.
fn words(args: &[String]) -> (&str, Vec<&str>) {
    let (mut socket, mut words) = (SOCKET, Vec::new());
    let mut rest = args.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        match word {
            "-r" | "--runtime-endpoint" | "-i" | "--image-endpoint" => socket = rest.next().unwrap_or(socket),
            option if option.starts_with('-') => {}
            word => words.push(word),
        }
    }
    (socket, words)
}

fn run(args: &[String]) -> Result<String> {
    let (socket, words) = words(args);
    let cri = Cri::connect(socket)?;
    let lines = |ids: Vec<String>| ids.iter().map(|id| format!("{id}\n")).collect::<String>();
    match words.as_slice() {
        ["info"] => {
            let ready =
                cri.status(false)?.status.is_some_and(|status| status.conditions.iter().all(|known| known.status));
            Ok(format!("{{\"ready\": {ready}}}\n"))
        }
        ["pods"] => Ok(lines(cri.sandboxes()?.into_iter().map(|sandbox| sandbox.id).collect())),
        ["images"] => Ok(lines(cri.images()?.into_iter().map(|image| image.id).collect())),
        ["inspecti" | "pull", name] => match cri.image(name)? {
            Some((image, _)) => Ok(format!("{}\n", image.id)),
            None => bail!("no such image {name:?} present"),
        },
        ["stopp", ids @ ..] => ids.iter().try_for_each(|id| cri.stop_sandbox(id)).map(|()| String::new()),
        ["rmp", ids @ ..] => ids.iter().try_for_each(|id| cri.remove_sandbox(id)).map(|()| String::new()),
        _ => bail!("the stand-in for crictl does not know: {}", words.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_socket_is_told_from_the_words() {
        let args = ["-r", "/run/x.sock", "pods", "-q"].map(str::to_owned);
        assert_eq!(super::words(&args), ("/run/x.sock", vec!["pods"]));
    }
}
