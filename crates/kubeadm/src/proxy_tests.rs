use super::*;
use std::net::TcpListener;

fn proxies(variables: &[(&str, &str)]) -> Proxies {
    Proxies::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

#[test]
fn variables_are_read_as_go_reads_them() {
    let upper = proxies(&[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "http://b:2")]);
    assert_eq!(upper.towards("10.0.0.1", 6443).unwrap().unwrap().endpoint.to_string(), "a:1");
    let lower = proxies(&[("HTTPS_PROXY", ""), ("https_proxy", "b")]);
    assert_eq!(lower.towards("10.0.0.1", 6443).unwrap().unwrap().endpoint.to_string(), "b:80");
    // http's proxy is not https', and there is no proxy for all.
    let others = proxies(&[("HTTP_PROXY", "http://a:1"), ("ALL_PROXY", "http://a:1")]);
    assert!(others.towards("10.0.0.1", 6443).is_none() && !others.any());
    let wrong = proxies(&[("HTTPS_PROXY", "http://user:secret@bad host:x")]);
    let error = wrong.towards("10.0.0.1", 6443).unwrap().unwrap_err();
    assert!(error.class == Class::ProxyInvalid && !error.cause.contains("secret"), "{}", error.cause);
}

#[test]
fn no_proxy_takes_addresses_networks_domains_and_ports() {
    for (no_proxy, host, port, direct) in [
        ("10.0.0.1", "10.0.0.1", 6443, true),
        ("10.0.0.1", "10.0.0.10", 6443, false),
        ("10.0.0.0/8, x", "10.0.0.1", 6443, true),
        ("10.1.0.0/16", "10.0.0.1", 6443, false),
        ("fd00::/8", "fd00::1", 6443, true),
        ("0.0.0.0/0", "10.0.0.1", 6443, true),
        ("10.0.0.1:6443", "10.0.0.1", 6443, true),
        ("10.0.0.1:443", "10.0.0.1", 6443, false),
        ("[fd00::1]:6443", "fd00::1", 6443, true),
        ("example.com", "api.example.com", 6443, true),
        ("example.com", "example.com", 6443, true),
        ("example.com", "notexample.com", 6443, false),
        (".example.com", "example.com", 6443, false),
        (".example.com", "api.example.com", 6443, true),
        ("*.example.com", "api.example.com", 6443, true),
        ("EXAMPLE.com:6443", "Api.Example.Com", 6443, true),
        ("*", "anything", 1, true),
        ("", "10.0.0.1", 6443, false),
        ("", "127.0.0.1", 6443, true),
        ("", "localhost", 6443, true),
        // A network says nothing about a name, and Go asks no resolver.
        ("10.0.0.0/8", "api.example.com", 6443, false),
    ] {
        let proxies = proxies(&[("HTTPS_PROXY", "http://p:3128"), ("NO_PROXY", no_proxy)]);
        assert_eq!(proxies.towards(host, port).is_none(), direct, "{no_proxy} {host}:{port}");
    }
}

#[test]
fn each_answer_of_a_proxy_is_a_class_of_its_own() {
    let server = Endpoint::parse("10.0.0.1:6443").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));
    for (answer, class) in [
        ("HTTP/1.1 200 Connection established\r\n\r\n", None),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", Some(Class::ProxyForbids)),
        ("HTTP/1.0 407 Proxy Authentication Required\r\n\r\n", Some(Class::ProxyWantsLogin)),
        ("HTTP/1.1 503 Service Unavailable\r\n\r\n", Some(Class::ProxyFails)),
        ("HTTP/1.1 405 Method Not Allowed\r\n\r\n", Some(Class::ProxyInvalid)),
        ("SSH-2.0-OpenSSH\r\n", Some(Class::ProxyInvalid)),
        ("", Some(Class::ProxyInvalid)),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://user:p%40ss@{}", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let length = stream.read(&mut request).unwrap();
            // In two pieces, as a slow proxy sends it.
            let (first, rest) = answer.split_at(answer.len() / 3);
            stream.write_all(first.as_bytes()).unwrap();
            Deadline::after(Duration::from_millis(20)).pause(Duration::from_millis(20));
            stream.write_all(rest.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let proxies = proxies(&[("HTTPS_PROXY", &url)]);
        let reached = proxies.towards(&server.host, server.port).unwrap().unwrap().reach(&server, &deadline);
        let request = serving.join().unwrap();
        assert!(request.starts_with("CONNECT 10.0.0.1:6443 HTTP/1.1\r\n"), "{request}");
        // printf user:p@ss | base64
        assert!(request.contains("Proxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{request}");
        assert_eq!(reached.as_ref().err().map(|e| e.class), class, "{answer}");
        assert!(reached.err().is_none_or(|e| !e.cause.contains("p@ss") && e.cause.contains("HTTPS_PROXY")), "{answer}");
    }
}

#[test]
fn a_proxy_that_is_not_there_is_not_taken_for_the_api_server() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Endpoint::parse("10.0.0.1:6443").unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));
    for (url, class) in [
        (format!("http://127.0.0.1:{port}"), Class::ProxyRefused),
        ("http://no-such-proxy.invalid:3128".to_owned(), Class::ProxyNameUnknown),
    ] {
        let proxy = proxies(&[("https_proxy", &url)]).towards(&server.host, server.port).unwrap().unwrap();
        assert_eq!(proxy.reach(&server, &deadline).unwrap_err().class, class);
    }
}
