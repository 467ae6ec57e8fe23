//! Runs the real-editor scenarios of `tests/editors/` where the editors are installed; what they check is written
//! there, in Python, next to the programs that they drive.

#![expect(
    clippy::disallowed_methods,
    reason = "the environment says whether the editors are installed; no server code reads it here"
)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_server_passes_its_scenarios_in_real_editors() {
    let must_run = std::env::var_os("CI").is_some_and(|value| value == "true");
    if std::env::var_os("EZROUTER_TEST_EDITORS").is_none() {
        assert!(
            !must_run,
            "EZROUTER_TEST_EDITORS is not set, and CI=true allows no skip"
        );
        println!("skipped: real editors: set EZROUTER_TEST_EDITORS (see tests/editors/README.md)");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let status = Command::new("python3")
        .arg("-B")
        .arg(root.join("tests/editors/run.py"))
        .arg("--server")
        .arg(env!("CARGO_BIN_EXE_ezrouter-lsp"))
        .status()
        .expect("python3 starts");
    assert!(status.success(), "scenarios failed: {status}");
}
