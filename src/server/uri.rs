//! File paths out of `file:` URIs and back. Documents are *not* keyed by what this gives: their key is the client's own
//! spelling of the URI, which is only compared and echoed. No file is touched.

use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

/// What stays as it is in the path of a URI (RFC 3986, `unreserved`), with the slash and a drive letter's colon.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':');

/// The path of a `file:` URI, or `None` for another scheme and for a path that is not absolute.
///
/// Takes what editors really send: escapes in either case, and characters that should have been escaped (spaces, brackets,
/// non-ASCII, `#` and `?`) as they are. A host other than `localhost` becomes the start of a network path. On Windows the
/// slash before a drive letter goes.
pub fn file_path(uri: &str) -> Option<PathBuf> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(behind_slashes) => {
            let host_ends = behind_slashes.find('/')?;
            let (host, path) = behind_slashes.split_at_checked(host_ends)?;
            if host.is_empty() || host.eq_ignore_ascii_case("localhost") {
                path
            } else {
                rest
            }
        }
    };
    if !path.starts_with('/') {
        return None;
    }
    Some(path_from_bytes(percent_decode_str(path).collect()))
}

/// The path of a URI of any scheme, decoded, without what stands behind it (`?`, `#`): editors show a file's other versions
/// under schemes of their own. For judging a name only.
pub fn path_of_any(uri: &str) -> String {
    if let Some(path) = file_path(uri) {
        return path.to_string_lossy().into_owned();
    }
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// The absolute paths that a URI may mean: that of any scheme, and without what a `?` or `#` may have put behind it. For judging
/// only: what one of them is never sent for is not sent.
pub fn paths_to_judge(uri: &str) -> Vec<PathBuf> {
    let whole = file_path(uri).unwrap_or_else(|| PathBuf::from(path_of_any(uri)));
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let cut = rest.split(['?', '#']).next().unwrap_or_default();
    let cut = file_path(&format!("file:{cut}"));
    let mut paths: Vec<PathBuf> = [Some(whole), cut].into_iter().flatten().collect();
    paths.retain(|path| path.is_absolute());
    paths.dedup();
    paths
}

/// Whether the document at `uri` lies in the folder at `folder`, however both are spelled. By their words alone: what links
/// lead to is not looked at.
pub fn is_inside(uri: &str, folder: &str) -> bool {
    let folder_path = path_of_any(folder);
    let path = path_of_any(uri);
    let scheme = |uri: &str| {
        uri.split_once(':')
            .map(|(scheme, _)| scheme.to_ascii_lowercase())
    };
    scheme(uri) == scheme(folder) && Path::new(&path).starts_with(&folder_path)
}

/// The `file:` URI of an absolute path.
pub fn file_uri(path: &Path) -> String {
    let path = path_into_bytes(path);
    let slash = if path.starts_with(b"/") { "" } else { "/" };
    format!("file://{slash}{}", percent_encode(&path, ENCODED))
}

/// The document's name as a person knows it: the last part of its path, decoded, or the whole URI of another scheme.
pub fn name(uri: &str) -> String {
    let name = file_path(uri).and_then(|path| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    });
    name.unwrap_or_else(|| uri.to_owned())
}

#[cfg(unix)]
fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt as _;
    std::ffi::OsString::from_vec(bytes).into()
}

#[cfg(unix)]
fn path_into_bytes(path: &Path) -> Vec<u8> {
    use std::os::unix::ffi::OsStrExt as _;
    path.as_os_str().as_bytes().to_vec()
}

#[cfg(not(unix))]
fn path_from_bytes(bytes: Vec<u8>) -> PathBuf {
    let path = String::from_utf8_lossy(&bytes).into_owned();
    let drive = path
        .strip_prefix('/')
        .filter(|path| path.as_bytes().get(1) == Some(&b':'));
    drive.map_or_else(|| PathBuf::from(&path), PathBuf::from)
}

#[cfg(not(unix))]
fn path_into_bytes(path: &Path) -> Vec<u8> {
    path.to_string_lossy().replace('\\', "/").into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_folder_holds_a_document_however_both_are_spelled() {
        for (uri, folder, inside) in [
            ("file:///a/b/c.rs", "file:///a/b", true),
            ("file:///a/b/c.rs", "file:///a/b/", true),
            ("FILE://localhost/a/my p/c.rs", "file:///a/my%20p", true),
            ("file:///a/bc/c.rs", "file:///a/b", false),
            ("file:///a/b", "file:///a/b", true),
            ("file:///a/c.rs", "file:///a/b", false),
            ("vscode-remote://h/a/b/c.rs", "vscode-remote://h/a/b", true),
            ("untitled:Untitled-1", "file:///a", false),
        ] {
            assert_eq!(is_inside(uri, folder), inside, "{uri} in {folder}");
        }
    }

    #[test]
    fn each_path_that_a_uri_may_mean_is_judged() {
        for (uri, paths) in [
            ("file:///a/b.rs", &["/a/b.rs"][..]),
            ("file:///a/b.rs?x#y", &["/a/b.rs?x#y", "/a/b.rs"]),
            ("git:/a/b.rs?ref", &["/a/b.rs"]),
            ("untitled:Untitled-1", &[]),
        ] {
            let judged = paths_to_judge(uri);
            let wanted: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
            assert_eq!(judged, wanted, "{uri}");
        }
    }

    #[test]
    fn a_file_uri_gives_its_path_however_the_client_escapes_it() {
        for (uri, path) in [
            ("file:///a/b.rs", "/a/b.rs"),
            ("FILE:///a/b.rs", "/a/b.rs"),
            ("file:/a/b.rs", "/a/b.rs"),
            ("file://localhost/a/b.rs", "/a/b.rs"),
            ("file:///a%20b/%5bid%5D.tsx", "/a b/[id].tsx"),
            ("file:///a b/[id]{x}|^.tsx", "/a b/[id]{x}|^.tsx"),
            ("file:///d%C3%A9j%C3%A0.md", "/déjà.md"),
            ("file:///déjà/日本.md", "/déjà/日本.md"),
            ("file:///c#/who?.cs", "/c#/who?.cs"),
            ("file:///100%", "/100%"),
            ("file:///100%zz", "/100%zz"),
            ("file://server/share/x", "//server/share/x"),
            ("file:///", "/"),
        ] {
            assert_eq!(file_path(uri).as_deref(), Some(Path::new(path)), "{uri}");
        }
    }

    #[test]
    fn what_is_no_absolute_file_has_no_path() {
        for uri in [
            "",
            "file:",
            "file://",
            "file://host",
            "file:a.rs",
            "untitled:Untitled-1",
            "/a/b.rs",
            "git:/a/b.rs",
            "filé:///a",
        ] {
            assert_eq!(file_path(uri), None, "{uri}");
        }
    }

    #[test]
    fn a_uri_of_any_scheme_has_a_path_to_be_judged() {
        for (uri, path) in [
            ("file:///a%20b/.env", "/a b/.env"),
            ("git:/ws/.env?%7B%22ref%22%3A%22~%22%7D", "/ws/.env"),
            (
                "vscode-remote://ssh-remote%2Bhost/ws/id_rsa#x",
                "//ssh-remote+host/ws/id_rsa",
            ),
            ("untitled:Untitled-1", "Untitled-1"),
            ("", ""),
        ] {
            assert_eq!(path_of_any(uri), path, "{uri}");
        }
    }

    #[test]
    fn a_drive_letter_keeps_its_place() {
        let expected = if cfg!(windows) {
            "c:/x y.rs"
        } else {
            "/c:/x y.rs"
        };
        for uri in [
            "file:///c:/x%20y.rs",
            "file:///c%3A/x%20y.rs",
            "file:///c%3a/x y.rs",
        ] {
            assert_eq!(
                file_path(uri).as_deref(),
                Some(Path::new(expected)),
                "{uri}"
            );
        }
        assert_eq!(file_uri(Path::new("c:/x y.rs")), "file:///c:/x%20y.rs");
    }

    #[test]
    fn a_path_is_escaped_so_that_strict_clients_take_it() {
        assert_eq!(
            file_uri(Path::new("/a b/[id]#?%é.rs")),
            "file:///a%20b/%5Bid%5D%23%3F%25%C3%A9.rs"
        );
    }

    #[cfg(unix)]
    proptest! {
        #[test]
        fn a_path_survives_the_way_into_a_uri_and_back(tail in proptest::collection::vec(1_u8.., 0..40)) {
            let path = path_from_bytes([b"/".as_slice(), &tail].concat());
            let uri = file_uri(&path);
            prop_assert!(uri.is_ascii());
            prop_assert_eq!(file_path(&uri), Some(path));
        }

        #[test]
        fn no_uri_panics(uri in "(file:)?/{0,3}.*") {
            let _ = file_path(&uri);
        }
    }
}
