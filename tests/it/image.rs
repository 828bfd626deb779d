//! The images, built from `deploy/Containerfile` as it is and run as a cluster runs them: without a daemon, by buildah and
//! podman, with all their files in one temporary folder.
//!
//! The stages that all targets copy from are built once and then taken as they are: this store keeps every layer as a whole copy.
//!
//! What stands in for something else here, and only that:
//! - the two base images, which are the Containerfile's arguments: made of Debian's packages by mmdebstrap instead of being fetched.
//!   So nothing is said here of what is in distroless.
//! - `cargo build` in the first of them: a program that checks what it is called with, lets the real cargo read the manifests of the
//!   build's context, and gives out the programs that this test run was built with. Compiling all of them again with
//!   optimisation would take longer than all tests.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use eseal_devpki::DevPki;
use eseal_e2e::programs::program;
use eseal_kernel::Clock;
use eseal_testkit::script;
use serde_json::Value;

use crate::deploy;

/// The stages that others copy from, and the one that all images begin with: what comes before it is built once.
const SHARED: [&str; 2] = ["build", "font"];
const FIRST: &str = "FROM ${RUNTIME_IMAGE} AS runtime";
/// The targets of the Containerfile with the program that is in each.
const TARGETS: [(&str, &str); 7] = [
    ("application", "eseal-application"),
    ("fabrication", "eseal-fabrication"),
    ("authentication", "eseal-authentication"),
    ("verification", "eseal-verification"),
    ("gateway", "eseal-gateway"),
    ("standalone", "eseal-standalone"),
    ("client", "eseal"),
];
const CARGO: &str = r#"#!/bin/sh
set -eu
[ "$1 $2 $3 $4" = "build --locked --release --bins" ] || { echo "cargo is called with $*" >&2; exit 1; }
/opt/cargo metadata --locked --offline --no-deps --format-version 1 >/metadata
mkdir -p target/release
shift 4
while [ $# -gt 0 ]; do
  [ "$1" = -p ] || { echo "cargo is called with $1" >&2; exit 1; }
  grep -q "\"name\":\"$2\"" /metadata || { echo "$2 is in no manifest" >&2; exit 1; }
  shift 2
done
# The first time with the manifests alone: what is given out then is no program.
if [ -s services/application/src/app.rs ]; then cp --remove-destination /opt/programs/* target/release/; else echo empty >target/release/eseal; fi
"#;

#[test]
fn every_image_has_one_program_that_runs_without_root_shell_or_a_writable_file() {
    if std::fs::metadata("/proc/self").expect("/proc").uid() != 0 {
        println!("skipped: building images without a daemon needs root");
        return;
    }
    let started = Instant::now();
    let workshop = Workshop::open();
    for (target, name) in TARGETS {
        let image = workshop.build(target);
        let config = workshop.config(&image);
        assert_eq!(config["User"], "65532:65532", "{target}: Kubernetes must see that it is not root");
        assert_eq!(config["Entrypoint"], serde_json::json!([format!("/usr/local/bin/{name}")]), "{target}");
        assert_eq!(config["StopSignal"], "SIGTERM", "{target}");
        let label = |name: &str| config["Labels"][format!("org.opencontainers.image.{name}")].clone();
        assert_eq!((label("title"), label("version")), (name.into(), "9.8.7".into()), "{target}");
        assert_eq!(label("revision"), "c0ffee", "{target}");

        let files = workshop.files(&image);
        assert!(files.programs.iter().all(|file| file == &format!("usr/local/bin/{name}")), "{:?}", files.programs);
        assert_eq!(files.programs.len(), 1, "{target}");
        assert!(files.by_set_id.is_empty(), "{target}: {:?}", files.by_set_id);
        let draws = ["application", "verification", "standalone", "client"].contains(&target);
        assert_eq!(files.has_font, draws, "{target}: impressions and reports are drawn with a Chinese font");
        println!("{target}: {} MiB, {} of them the program", files.bytes >> 20, files.program_bytes >> 20);

        let version = workshop.run(&image, &[], &["--version"]);
        assert!(version.status.success(), "{target}: {}", text(&version));
        assert!(text(&version).starts_with(name), "{target}: {}", text(&version));
    }
    workshop.accepts_its_settings("application");
    println!("{} images in {:.0?}", TARGETS.len(), started.elapsed());
}

/// A store of images of its own, with the two base images in it.
struct Workshop {
    folder: tempfile::TempDir,
}

/// What is in an image.
struct Files {
    /// Files that can be executed and are no library, by path.
    programs: Vec<String>,
    by_set_id: Vec<PathBuf>,
    has_font: bool,
    bytes: u64,
    program_bytes: u64,
}

impl Workshop {
    fn open() -> Self {
        let workshop = Self { folder: tempfile::tempdir().expect("a folder") };
        let build = workshop.folder.path().join("build");
        std::fs::create_dir_all(build.join("programs")).expect("a folder");
        script(&build.join("stand-in"), CARGO).expect("a program");
        let cargo = output(Command::new("rustc").args(["--print", "sysroot"])).trim().to_owned() + "/bin/cargo";
        std::fs::copy(cargo, build.join("cargo")).expect("cargo");
        for (_, name) in TARGETS {
            let stripped = build.join("programs").join(name);
            output(Command::new("strip").arg("-o").arg(stripped).arg(program(name)));
        }
        let packages = "ca-certificates,fonts-wqy-microhei";
        let extra = "COPY stand-in /usr/local/bin/cargo";
        workshop.base("build", &debian("build", &["--variant=apt", &format!("--include={packages}")]), extra);
        std::fs::create_dir(workshop.folder.path().join("runtime")).expect("a folder");
        workshop.base("runtime", &debian("runtime", &["--variant=extract", "--include=libc6,libgcc-s1"]), "");
        workshop.share();
        workshop
    }

    /// Builds the shared stages from the Containerfile as it is, and writes the recipe that takes them from there.
    fn share(&self) {
        let root = deploy::root();
        let recipe = root.join("deploy/Containerfile");
        for stage in SHARED {
            self.bud(stage, &format!("localhost/shared/{stage}"), &recipe, &root);
        }
        let all = std::fs::read_to_string(recipe).expect("the recipe");
        let (_, rest) = all.split_once(FIRST).expect("the stage that all images begin with");
        let shared = SHARED.map(|stage| format!("FROM localhost/shared/{stage} AS {stage}\n")).concat();
        let folder = self.folder.path().join("rest");
        std::fs::create_dir(&folder).expect("a folder");
        let recipe = format!("ARG RUNTIME_IMAGE\n{shared}{FIRST}{rest}");
        std::fs::write(folder.join("Containerfile"), recipe).expect("a file");
    }

    /// An image from a root file system.
    fn base(&self, name: &str, root: &Path, extra: &str) {
        let context = self.folder.path().join(name);
        let root = std::fs::hard_link(root, context.join("root.tar"))
            .or_else(|_| std::fs::copy(root, context.join("root.tar")).map(drop));
        root.expect("a root file system");
        let recipe = context.join("Containerfile");
        std::fs::write(&recipe, format!("FROM scratch\nADD root.tar /\n{extra}\n")).expect("a file");
        let mut build = self.tool("buildah");
        build.args(["bud", "--quiet", "--isolation", "chroot", "--layers=false"]);
        output(build.args(["--tag", &format!("localhost/{name}")]).arg("--file").arg(&recipe).arg(&context));
    }

    fn build(&self, target: &str) -> String {
        let (image, context) = (format!("localhost/eseal/{target}"), self.folder.path().join("rest"));
        self.bud(target, &image, &context.join("Containerfile"), &context);
        image
    }

    fn bud(&self, target: &str, image: &str, recipe: &Path, context: &Path) {
        let mut build = self.tool("buildah");
        build.args(["bud", "--quiet", "--isolation", "chroot", "--layers", "--target", target, "--tag", image]);
        build.args(["--build-arg", "BUILD_IMAGE=localhost/build", "--build-arg", "RUNTIME_IMAGE=localhost/runtime"]);
        // Not in the base image, which is copied for each layer.
        for (place, mounted) in [("cargo", "/opt/cargo"), ("programs", "/opt/programs")] {
            let place = self.folder.path().join("build").join(place);
            build.arg("--volume").arg(format!("{}:{mounted}:ro", place.display()));
        }
        build.args(["--build-arg", "VERSION=9.8.7", "--build-arg", "REVISION=c0ffee"]);
        output(build.arg("--file").arg(recipe).arg(context));
    }

    fn config(&self, image: &str) -> Value {
        let inspected = output(self.tool("buildah").args(["inspect", "--type", "image", image]));
        let inspected: Value = serde_json::from_str(&inspected).expect("JSON");
        inspected["OCIv1"]["config"].clone()
    }

    fn files(&self, image: &str) -> Files {
        let container = output(self.tool("buildah").args(["from", image])).trim().to_owned();
        let root = PathBuf::from(output(self.tool("buildah").args(["mount", &container])).trim());
        let files = Files::below(&root);
        output(self.tool("buildah").args(["rm", &container]));
        files
    }

    /// As a cluster runs it: nothing may be written, no right is given, the user is the image's.
    fn run(&self, image: &str, options: &[&str], words: &[&str]) -> Output {
        let mut run = self.tool("podman");
        run.arg("--tmpdir").arg(self.folder.path().join("tmp")).args([
            "--runtime",
            "runc",
            "run",
            "--rm",
            "--read-only",
        ]);
        run.args(["--read-only-tmpfs=false", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);
        run.args(["--network", "host", "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"]);
        run.args(options).arg(image).args(words).output().expect("podman starts: run `make setup`")
    }

    /// The program in the image reads its settings and secrets where compose and the chart put them, with the owner and
    /// the mode that Kubernetes gives them.
    fn accepts_its_settings(&self, target: &str) {
        let mounted = self.folder.path().join("mounted");
        let (settings, secrets) = (mounted.join("etc"), mounted.join("secrets"));
        std::fs::create_dir_all(&secrets).expect("a folder");
        DevPki::create(&mounted.join("pki"), &[target, "setup"], Clock::System).expect("a PKI");
        std::fs::create_dir(&settings).expect("a folder");
        std::fs::write(settings.join("config.toml"), deploy::config(target)).expect("settings");
        for (certificate, place) in [(target, "tls"), ("setup", "setup")] {
            std::fs::rename(mounted.join("pki").join(certificate), settings.join(place)).expect("moved");
        }
        for name in ["database-url", "owner-url"] {
            std::fs::write(secrets.join(name), "postgres://role:word@postgres/eseal").expect("a secret");
        }
        give_to_group(&mounted, 65_532);
        let (settings, secrets) = (settings.display(), secrets.display());
        let (settings, secrets) = (format!("{settings}:/etc/eseal:ro"), format!("{secrets}:/run/secrets:ro"));
        let issuer = "ESEAL_PEOPLE__ISSUER=https://login.example.cn/realms/office";
        let options = ["--volume", &settings, "--volume", &secrets, "--env", issuer];
        let check = ["check-config", "--config", "/etc/eseal/config.toml"];
        let output = self.run(&format!("localhost/eseal/{target}"), &options, &check);
        assert!(output.status.success(), "{}", text(&output));
        let refused = self.run(&format!("localhost/eseal/{target}"), &["--env", issuer], &check);
        assert!(!refused.status.success(), "it accepts settings that are not there");
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        command.args(["--storage-driver", "vfs", "--root"]).arg(self.folder.path().join("storage"));
        command.arg("--runroot").arg(self.folder.path().join("run"));
        command
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Containers that a failed test left; what is mounted can't be deleted.
        let _ = self.tool("buildah").args(["rm", "--all"]).output();
        let _ = self.tool("podman").args(["rm", "--all", "--force"]).output();
    }
}

impl Files {
    fn below(root: &Path) -> Self {
        let mut found =
            Self { programs: Vec::new(), by_set_id: Vec::new(), has_font: false, bytes: 0, program_bytes: 0 };
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                let (path, metadata) = (entry.path(), entry.metadata().expect("metadata"));
                if metadata.is_dir() {
                    folders.push(path);
                } else if metadata.is_file() {
                    found.see(&path, &path.strip_prefix(root).expect("inside").display().to_string(), &metadata);
                } else {
                    assert!(!is_shell(&path), "{} is a shell", path.display());
                }
            }
        }
        found
    }

    fn see(&mut self, path: &Path, name: &str, metadata: &std::fs::Metadata) {
        assert!(!is_shell(path), "{name} is a shell");
        let mode = metadata.permissions().mode();
        self.bytes += metadata.len();
        self.has_font |= name.starts_with("usr/share/fonts/");
        if mode & 0o6000 != 0 {
            self.by_set_id.push(path.to_owned());
        }
        let library = [".so", ".so.", "ld-linux"].iter().any(|part| name.contains(part));
        if mode & 0o111 != 0 && !library {
            self.programs.push(name.to_owned());
            self.program_bytes += metadata.len();
        }
    }
}

fn is_shell(path: &Path) -> bool {
    let shells = BTreeSet::from(["sh", "bash", "dash", "ash", "zsh", "busybox", "toybox", "perl", "python3"]);
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| shells.contains(name))
}

/// A root file system of Debian's packages, made once and kept with what cargo keeps.
fn debian(name: &str, options: &[&str]) -> PathBuf {
    let release = std::fs::read_to_string("/etc/os-release").expect("a Debian");
    let suite = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME=")).expect("a suite").to_owned();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("images");
    std::fs::create_dir_all(&folder).expect("a folder");
    let kept = folder.join(format!("{name}-{suite}-4.tar"));
    if !kept.exists() {
        let made = folder.join(format!("{name}-{}.tar", std::process::id()));
        let root = made.with_extension("root");
        let slim = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"];
        let slim = slim.map(|path| format!("--dpkgopt=path-exclude={path}"));
        let font = "--dpkgopt=path-include=/usr/share/doc/fonts-wqy-microhei/*";
        output(
            Command::new("mmdebstrap")
                .args(["--mode=root", "--quiet"])
                .args(options)
                .args(slim)
                .arg(font)
                .arg(suite)
                .arg(&root),
        );
        // Without the copies of this machine's own files, and what is in every container anyway.
        let without = ["./etc/resolv.conf", "./etc/hostname", "./dev/*"].map(|path| format!("--exclude={path}"));
        let mut pack = Command::new("tar");
        pack.args(["--create", "--numeric-owner", "--file"]).arg(&made).args(without).arg("--directory").arg(&root);
        output(pack.arg("."));
        std::fs::remove_dir_all(root).expect("removed");
        std::fs::rename(made, &kept).expect("renamed");
    }
    kept
}

/// Everything below is root's and may be read by this group alone.
fn give_to_group(path: &Path, group: u32) {
    std::os::unix::fs::chown(path, Some(0), Some(group)).expect("an owner");
    let folder = path.is_dir();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(if folder { 0o550 } else { 0o440 }))
        .expect("a mode");
    if folder {
        std::fs::read_dir(path).expect("a folder").flatten().for_each(|entry| give_to_group(&entry.path(), group));
    }
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// What a program that must succeed prints.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}: run `make setup`"));
    assert!(output.status.success(), "{command:?}: {}", text(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
