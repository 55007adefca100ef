#![allow(clippy::unwrap_used, reason = "a failed parse is a failed test")]
use super::*;
use std::io::Write;

fn args(words: &[&str]) -> Vec<OsString> {
    std::iter::once("spunto").chain(words.iter().copied()).map(OsString::from).collect()
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn flags_win_over_the_file_and_unknown_settings_are_refused() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "public-url = \"https://file.example\"\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:2\"]\nlog-json = true").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let cli = read(args(&["serve", "--config", &path, "--public-url", "https://flag.example"])).unwrap();
    let Action::Serve(serve) = cli.action else { panic!("serve was asked for") };
    assert_eq!(serve.public_url.as_deref(), Some("https://flag.example"));
    assert_eq!(serve.listen.len(), 2);
    assert!(serve.log_json);
    let cli = read(args(&["admin", "setup-link", "--config", &path])).unwrap();
    let Action::Admin(Admin::SetupLink { public_url, .. }) = cli.action else { panic!("the setup link was asked for") };
    assert_eq!(public_url, "https://file.example", "other commands take what they need");
    writeln!(file, "colour = \"red\"").unwrap();
    assert!(read(args(&["serve", "--config", &path])).unwrap_err().to_string().contains("colour"));
}

#[test]
fn nothing_that_a_shell_would_read_gets_into_the_command() {
    assert_eq!(check_public_url("https://spunto.example/").unwrap(), "https://spunto.example");
    assert!(check_public_url("http://[::1]:7780").is_ok());
    for url in ["", "spunto.example", "https://", "https://a b", "https://a;rm", "https://$(x)", "ftp://a", "https://a'b"] {
        assert!(check_public_url(url).is_err(), "{url}");
    }
    assert!(check_agent_image("registry.example:5000/a/b:1@sha256:00").is_ok());
    for image in ["", "-v", "a b", "a;b", "$(x)", "a\nb"] {
        assert!(check_agent_image(image).is_err(), "{image}");
    }
}

#[test]
fn only_trusted_proxies_are_believed() {
    let settings = |proxies: &[&str]| Settings {
        public_url: String::new(),
        agent_image: String::new(),
        trusted_proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
        secure_cookies: false,
    };
    let request = actix_web::test::TestRequest::default()
        .peer_addr("10.1.2.3:5".parse().unwrap())
        .insert_header(("X-Forwarded-For", "198.51.100.1, 203.0.113.9, 10.9.9.9"))
        .to_http_request();
    assert_eq!(settings(&[]).address_of(&request), "10.1.2.3");
    assert_eq!(settings(&["10.0.0.0/8"]).address_of(&request), "203.0.113.9");
    assert_eq!(settings(&["10.1.2.3"]).address_of(&request), "10.9.9.9");
    for text in ["10.0.0.0/33", "x", "10.0.0.0/", "::1/129"] {
        assert!(text.parse::<Proxy>().is_err(), "{text}");
    }
}
