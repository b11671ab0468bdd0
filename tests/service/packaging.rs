//! What is installed without Rust: the image, compose, packages, pages and completions. They are built where there is a
//! builder; here it is checked that they are of the right form and name what there is.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use shoptalk::shared::server::proxies::Proxies;

use crate::process::shoptalk;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The lines of a Dockerfile with their continuations, without comments.
fn instructions(file: &str) -> Vec<String> {
    let lines = file.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
    lines.replace("\\\n", " ").lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_image_is_small_and_not_root_and_says_whether_it_is_well() {
    let all = instructions(&text("Dockerfile"));
    let of = |word: &str| -> Vec<String> {
        all.iter().filter_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).map(str::to_owned).collect()
    };
    let known = [
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "RUN",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    for line in &all {
        assert!(known.contains(&line.split(' ').next().unwrap()), "{line}");
    }
    let bases = of("FROM");
    assert_eq!(bases.len(), 2, "one stage builds, the other is the image: {bases:?}");
    assert!(bases.iter().all(|base| base.contains(':') && !base.contains("latest")), "{bases:?}");
    let rust = bases[0].split(':').nth(1).unwrap().split('-').next().unwrap();
    assert!(
        text("Cargo.toml").contains(&format!("rust-version = \"{rust}\"")),
        "the compiler is the one that is promised"
    );
    assert!(of("RUN")[1].contains("--locked --no-default-features"), "the service alone");
    let user = of("USER").pop().unwrap();
    assert!(user.split(':').all(|id| id.parse::<u32>().is_ok_and(|id| id > 0)), "{user}");
    // It asks the port that the service listens on, whatever that was set to.
    assert!(of("HEALTHCHECK")[0].ends_with("wget -q -O /dev/null \"http://127.0.0.1:${PORT:-5000}/ready\""));
    assert_eq!(of("VOLUME"), ["/var/lib/shoptalk"]);
    assert_eq!((of("ENTRYPOINT"), of("CMD")), (vec![r#"["shoptalk"]"#.to_owned()], vec![r#"["serve"]"#.to_owned()]));
    for variable in of("ENV")[0].split(' ').map(|pair| pair.split('=').next().unwrap()) {
        assert!(text(".env.example").contains(&format!("# {variable}=")), "{variable} is no setting");
    }
    let ignored = text(".dockerignore");
    for never in [".env", "target", "data", ".git"] {
        assert!(ignored.lines().any(|line| line == never), "{never} may come into an image");
    }
}

#[test]
fn the_example_of_a_shopify_app_asks_for_what_the_service_needs() {
    let file = text("examples/shopify.app.toml");
    let scopes = shoptalk::shopify::SCOPES.join(",");
    for wanted in [
        format!("scopes = \"{scopes}\""),
        "/shopify/install\"".to_owned(),
        "/shopify/callback\"".to_owned(),
        "uri = \"https://abc.ngrok.app/shopify/webhook\"".to_owned(),
        r#"compliance_topics = ["customers/data_request", "customers/redact", "shop/redact"]"#.to_owned(),
    ] {
        assert!(file.contains(&wanted), "{wanted}");
    }
    // The version is the one that the service speaks where nothing is said.
    let version = file.split("api_version = \"").nth(1).unwrap().split('"').next().unwrap();
    assert!(text(".env.example").contains(&format!("# SHOPIFY_API_VERSION={version}")), "{version}");
}

#[test]
fn compose_is_of_the_right_form() {
    let file = text("compose.yaml");
    assert!(!file.contains('\t'));
    for wanted in
        ["read_only: true", "no-new-privileges:true", "condition: service_healthy", "shoptalk:/var/lib/shoptalk"]
    {
        assert!(file.contains(wanted), "{wanted}");
    }
    // Caddy and the healthcheck reach the service whatever `.env` says, and what Caddy tells of a visitor is believed.
    let service = file.split("  shoptalk:\n").nth(1).unwrap().split("\n  caddy:").next().unwrap();
    let environment = service.split("    environment:\n").nth(1).expect("it stands above env_file");
    let set: Vec<&str> = environment.lines().take_while(|line| line.starts_with("      ")).map(str::trim).collect();
    assert_eq!(set, ["HOST: 0.0.0.0", "PORT: \"5000\"", "TRUSTED_PROXIES: *network"]);
    assert!(file.contains("reverse_proxy shoptalk:5000 {"), "Caddy asks that port");
    assert!(file.contains("keepalive 30s"), "an idle connection ends on this side first");
    let network = file.split("x-network: &network ").nth(1).unwrap().lines().next().unwrap();
    let proxies: Proxies = network.parse().expect("a network as the setting wants it");
    let caddy = network.replace(".0/28", ".3").parse().unwrap();
    let forwarded = http::HeaderMap::from_iter([(
        http::HeaderName::from_static("x-forwarded-for"),
        http::HeaderValue::from_static("203.0.113.9"),
    )]);
    assert_eq!(proxies.client(caddy, &forwarded).to_string(), "203.0.113.9");
    assert!(file.contains("networks:\n  default:\n    ipam:\n      config:\n        - subnet: *network"), "{file}");
    // Where the tool is, it has the last word; it needs no daemon to read a file.
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(root().join("compose.yaml"), folder.path().join("compose.yaml")).unwrap();
    std::fs::write(folder.path().join(".env"), "").unwrap();
    let docker = |arguments: &[&str]| {
        Command::new("docker").args(arguments).current_dir(folder.path()).env("SITE", "shoptalk.example.com").output()
    };
    let is_there = docker(&["compose", "version"]).is_ok_and(|output| output.status.success());
    if !is_there {
        println!("not looked at: there is no docker compose");
        return;
    }
    let read = docker(&["compose", "config", "--quiet"]).unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

#[test]
fn a_package_holds_files_that_there_are() {
    let manifest = text("Cargo.toml");
    let assets = manifest.split("assets = [").nth(1).unwrap().split("\n]").next().unwrap();
    let sources: Vec<&str> =
        assets.lines().filter_map(|line| line.trim().strip_prefix("[\"")?.split('"').next()).collect();
    assert!(sources.len() > 6, "{sources:?}");
    for source in sources.iter().filter(|source| !source.starts_with("target/")) {
        let folder = source.split('*').next().unwrap();
        assert!(root().join(folder).exists(), "{source}");
    }
    let scripts = ["packaging/debian/postinst", "packaging/debian/prerm", "packaging/debian/postrm"];
    for script in scripts.into_iter().chain(["packaging/pack", ".ci/run", ".ci/smoke"]) {
        assert_eq!(std::fs::metadata(root().join(script)).unwrap().permissions().mode() & 0o111, 0o111, "{script}");
        let shell = if scripts.contains(&script) { "sh" } else { "bash" };
        assert!(Command::new(shell).arg("-n").arg(root().join(script)).status().unwrap().success(), "{script}");
    }
    // What is said of it names every channel.
    let description = manifest.split("extended-description = ").nth(1).unwrap().split("\"\"\"").nth(1).unwrap();
    let description = description.replace("\\\n", "");
    let short = manifest.split("\ndescription = ").nth(1).unwrap().lines().next().unwrap();
    for channel in ["Instagram", "WhatsApp", "Viber", "LinkedIn", "Shopify"] {
        assert!(description.contains(channel) && short.contains(channel), "{channel}");
    }
    assert!(text("docs/shoptalk.service").contains("ExecStart=/usr/local/bin/shoptalk serve"));
    assert!(text("packaging/debian/path.conf").contains("ExecStart=\nExecStart=/usr/bin/shoptalk serve"));
}

#[test]
fn shells_and_readers_are_given_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let output = shoptalk(folder.path(), arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]);
        for word in ["doctor", "replay", "since"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    assert!(run(&["man"]).contains(".TH shoptalk 1"));
    let pages = folder.path().join("pages");
    std::fs::create_dir(&pages).unwrap();
    assert!(run(&["man", pages.to_str().unwrap()]).contains("pages are in"));
    let written: BTreeSet<String> =
        std::fs::read_dir(&pages).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    for page in ["shoptalk.1", "shoptalk-events.1", "shoptalk-keys-new.1"] {
        assert!(written.contains(page), "{page} is not in {written:?}");
    }
    let version = run(&["--version"]);
    assert!(version.starts_with(&format!("shoptalk {}", env!("CARGO_PKG_VERSION"))), "{version}");
}
