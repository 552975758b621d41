//! What runs inside the stand-in image besides the named programs: pause, a small HTTP answer on any port, cp.

use crate::net::http::{Request, Response};
use crate::net::server;
use std::net::TcpListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Sleeps until it is told to end. As process 1 of a container it would ignore SIGTERM without a handler, so it waits for it.
/// `reap` collects orphans, which a program that waits for children of its own must not have done for it.
fn sleep(reap: bool) -> ExitCode {
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(tokio) = tokio else { return ExitCode::FAILURE };
    tokio.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut int), Ok(mut child)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::child())) else {
            return;
        };
        loop {
            tokio::select! {
                _ = term.recv() => return,
                _ = int.recv() => return,
                _ = child.recv(), if reap => while let Ok(Some(_)) = rustix::process::wait(rustix::process::WaitOptions::NOHANG) {},
            }
        }
    });
    ExitCode::SUCCESS
}

/// Ends the process on SIGTERM, for programs that block elsewhere.
pub fn end_on_term() {
    std::thread::spawn(|| {
        sleep(false);
        std::process::exit(0);
    });
}

/// Answers any request on this port.
pub fn listen(port: u16) -> std::io::Result<()> {
    let listener = TcpListener::bind(("0.0.0.0", port))?;
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned();
    let handler = move |request: Request, _| Response {
        status: 200,
        headers: vec![("Content-Type".into(), "text/plain".into())],
        body: format!("{name} answers {} {} (rehearsal)\n", request.method, request.path).into_bytes(),
    };
    std::thread::spawn(move || server::serve(listener, None, Arc::new(handler)));
    Ok(())
}

/// `/pause`, `/pause http PORT...`, `/pause serve` (ports from REHEARSAL_PORTS).
pub fn pause(args: &[String]) -> ExitCode {
    let ports = match args.first().map(String::as_str) {
        Some("http") => args[1..].join(","),
        Some("serve") => std::env::var("REHEARSAL_PORTS").unwrap_or_default(),
        _ => String::new(),
    };
    for port in ports.split(',').filter_map(|port| port.trim().parse().ok()) {
        // The network of a pod may take a moment; a port that stays taken is told in the container's log.
        let bound = (0..20).find_map(|_| match listen(port) {
            Ok(()) => Some(()),
            Err(_) => {
                crate::clock::pause(Duration::from_millis(250));
                None
            }
        });
        if bound.is_none() {
            eprintln!("listen on port {port}: not possible");
        }
    }
    sleep(true)
}

/// `cp [-f] FROM TO`: writes TO in place, as coreutils does.
pub fn cp(args: &[String]) -> ExitCode {
    let paths: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let [from, to] = paths.as_slice() else {
        eprintln!("cp: missing operand");
        return ExitCode::FAILURE;
    };
    // A program that is running cannot be written to; -f then replaces it.
    let copied = std::fs::copy(from, to).or_else(|_| std::fs::remove_file(to).and_then(|()| std::fs::copy(from, to)));
    match copied {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cp: cannot copy '{from}' to '{to}': {error}");
            ExitCode::FAILURE
        }
    }
}

/// flannel's `install-conf FROM TO`: a file beside it, `.NAME.tmp`, renamed (cmd/install_conf/main.go).
pub fn install_conf(args: &[String]) -> ExitCode {
    let [from, to] = args else {
        eprintln!("install-conf: two arguments are needed");
        return ExitCode::FAILURE;
    };
    let path = std::path::Path::new(to);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = path.with_file_name(format!(".{name}.tmp"));
    match std::fs::copy(from, &beside).and_then(|_| std::fs::rename(&beside, path)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("install-conf: {from} to {to}: {error}");
            ExitCode::FAILURE
        }
    }
}
