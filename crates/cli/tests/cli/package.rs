//! What a package brings along: completions and manual pages; and examples that run as they are written.

use crate::harness::{DONE, OTHER, Place, USAGE, samovar};
use std::fs;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

#[test]
fn every_shell_completes_every_command() {
    for shell in SHELLS {
        let script = samovar(&["completions", shell]).ends(DONE).out();
        for word in ["create", "salvage", "namespace", "stale-after"] {
            assert!(script.contains(word), "{shell}: {word} is missing");
        }
    }
    let answer = samovar(&["completions", "perl"]).ends(USAGE);
    assert!(answer.err().contains("zsh"), "{}", answer.err());
}

#[test]
fn every_command_has_a_manual_page() {
    let place = Place::new();
    samovar(&["man", &place.file("share/man1")]).ends(DONE);
    for command in ["", "-get", "-ns", "-ns-create", "-records-import", "-completions"] {
        let page = fs::read_to_string(place.path(&format!("share/man1/samovar{command}.1"))).expect("a page");
        assert!(page.contains(".TH") && page.contains("Example"), "{command}: {page}");
    }
    let file = place.write("file", b"");
    samovar(&["man", &file]).ends(OTHER).says(&[&file]);
}

#[cfg(unix)]
mod examples {
    use crate::harness::Place;
    use crate::help::commands;
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    /// What the examples take to be there.
    const STAGE: &str = "\
printf PNG > logo.png
printf 'time,close\\n1,7.5\\n2,7.6\\n' > bars.csv
printf '#!/bin/sh\\necho report\\n' > make-report; chmod +x make-report
samovar records import bars.records bars.csv --schema time:i64,close:f64
samovar create pages.samovar --capacity 8MiB --max-capacity 16MiB
samovar ns create pages.samovar sessions
samovar set pages.samovar front-page tea; samovar set pages.samovar visits 41
samovar set pages.samovar date today; samovar set pages.samovar logo PNG
";
    /// Examples that make something for themselves.
    const ALONE: [&str; 4] = ["", "create", "add", "records"];

    /// Every line of an example, in a directory of its own, by a shell that ends at the first that fails.
    #[test]
    fn they_run_as_they_are_written() {
        let program = Path::new(env!("CARGO_BIN_EXE_samovar")).parent().expect("a directory");
        let path = std::env::join_paths(
            [program.to_owned()]
                .into_iter()
                .chain(std::env::split_paths(&std::env::var_os("PATH").expect("a path"))),
        );
        let path = path.expect("a path");
        for (command, help) in commands() {
            let place = Place::new();
            let lines: Vec<&str> = help
                .lines()
                .skip_while(|line| !line.starts_with("Example"))
                .skip(1)
                .take_while(|line| line.starts_with("  "))
                .collect();
            assert!(!lines.is_empty(), "{command} has no example: {help}");
            let mut stage = STAGE.to_owned();
            if ALONE.contains(&command.as_str()) {
                stage.push_str("samovar del pages.samovar visits; rm pages.samovar bars.records\n");
            }
            if command == "add" {
                stage.push_str("samovar create pages.samovar --capacity 8MiB\n");
            }
            fs::write(place.path("examples"), format!("set -e\n{stage}{}\n", lines.join("\n")))
                .expect("a script");
            let run =
                Command::new("sh").arg("examples").current_dir(place.path("")).env("PATH", &path).output();
            let run = run.expect("a shell");
            let errors = String::from_utf8_lossy(&run.stderr);
            assert!(run.status.success(), "{command}: {lines:#?}\n{errors}");
        }
    }
}
