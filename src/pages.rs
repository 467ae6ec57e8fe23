//! The files of conversation documents: where each is, and how it is made. A workspace is not trusted: no link in it leads
//! anything that is written here to another place. What a document says is made elsewhere, and once it is open in an editor
//! only that changes it.

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::config::make_private_directory;

/// The directory of ours in a workspace.
const OURS: &str = ".ezrouter";

/// What keeps that out of the workspace's repository.
const IGNORE_FILE: &str = ".gitignore";
const IGNORE: &str = "*\n";

/// The largest document, in bytes, that is read.
const LARGEST: u64 = 16 << 20;

/// The directory of the documents.
const DOCUMENTS: &str = "conversations";

/// Where documents are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the folder of a workspace.
    Workspace(PathBuf),
    /// In the state directory, for what is outside of all workspaces.
    State(PathBuf),
}

impl Place {
    /// The directory of the documents.
    pub fn directory(&self) -> PathBuf {
        match self {
            Self::Workspace(folder) => folder.join(OURS).join(DOCUMENTS),
            Self::State(directory) => directory.join(DOCUMENTS),
        }
    }

    /// The document of a conversation; `None` for what is no id of one.
    pub fn document(&self, conversation: &str) -> Option<PathBuf> {
        let name = format!("{conversation}.md");
        is_id(conversation).then(|| self.directory().join(name))
    }

    /// The conversation whose document is kept here under this path.
    pub fn conversation<'a>(&self, path: &'a Path) -> Option<&'a str> {
        let name = path.file_name()?.to_str()?.strip_suffix(".md")?;
        let is_here = || path.parent() == Some(self.directory().as_path());
        (is_id(name) && is_here()).then_some(name)
    }

    /// Makes the document of a conversation with this text, if there is none. Gives what it reads then. Blocks.
    ///
    /// # Errors
    /// One sentence on what is in the way.
    pub fn make(&self, conversation: &str, text: &str) -> Result<String, String> {
        let document = self
            .document(conversation)
            .ok_or("a conversation has no such name")?;
        self.try_make(&document, text)
            .map_err(|(path, error)| format!("{} cannot be used: {error}", path.display()))
    }

    fn try_make(&self, document: &Path, text: &str) -> Result<String, (PathBuf, io::Error)> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| (path, error)
        };
        match self {
            Self::Workspace(folder) => {
                let ours = folder.join(OURS);
                be_directory(&ours).map_err(at(&ours))?;
                let ignore = ours.join(IGNORE_FILE);
                be_file(&ignore, IGNORE).map_err(at(&ignore))?;
            }
            Self::State(directory) => make_private_directory(directory).map_err(at(directory))?,
        }
        let directory = self.directory();
        be_directory(&directory).map_err(at(&directory))?;
        if be_file(document, text).map_err(at(document))? {
            return Ok(text.to_owned());
        }
        read(document).map_err(at(document))
    }
}

/// Whether a conversation may be called so: ten digits of the hexadecimal system. Nothing else gets into a path.
fn is_id(name: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.len() == 10 && name.bytes().all(is_digit)
}

/// Whether something is there; it must be of the kind that is wanted, and no link.
fn is_there(path: &Path, is_wanted: fn(&fs::Metadata) -> bool) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(found) if is_wanted(&found) => Ok(true),
        Ok(found) if found.is_symlink() => Err(io::Error::other(
            "it is a link, and nothing is written where links lead",
        )),
        Ok(_) => Err(io::Error::other("something else has this name")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn be_directory(path: &Path) -> io::Result<()> {
    if is_there(path, fs::Metadata::is_dir)? {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // Another server may have been faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => be_directory(path),
        made => made,
    }
}

/// The text of a document that is there. Of one that is larger than any conversation nobody need know where it ends.
fn read(path: &Path) -> io::Result<String> {
    if LARGEST < fs::metadata(path)?.len() {
        return Ok(String::new());
    }
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

/// Makes a file with this text, or leaves the one that is there; gives whether it was made.
fn be_file(path: &Path, text: &str) -> io::Result<bool> {
    if is_there(path, fs::Metadata::is_file)? {
        return Ok(false);
    }
    let mut options = fs::OpenOptions::new();
    // A new one: no link is followed, whoever makes it meanwhile.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    if let Err(error) = file.write_all(text.as_bytes()) {
        // Half a document is worse than none.
        fs::remove_file(path).ok();
        return Err(error);
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "00c0ffee42";

    #[test]
    fn a_document_is_made_once_and_kept_out_of_the_repository() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Workspace(folder.path().to_owned());
        assert_eq!(place.make(ID, "new").unwrap(), "new");
        let path = folder.path().join(".ezrouter/conversations/00c0ffee42.md");
        assert_eq!(place.document(ID).as_deref(), Some(path.as_path()));
        assert_eq!(place.conversation(&path), Some(ID));
        fs::write(&path, "the user's").unwrap();
        assert_eq!(place.make(ID, "newer").unwrap(), "the user's");
        let ignore = folder.path().join(".ezrouter/.gitignore");
        assert_eq!(fs::read_to_string(&ignore).unwrap(), "*\n");
        fs::write(&ignore, "# mine\n").unwrap();
        place.make("0123456789", "other").unwrap();
        assert_eq!(fs::read_to_string(&ignore).unwrap(), "# mine\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        }
    }

    #[test]
    fn outside_of_all_workspaces_it_is_in_the_state_directory() {
        let state = tempfile::tempdir().unwrap();
        let place = Place::State(state.path().join("not/there/yet"));
        place.make(ID, "text").unwrap();
        let path = state
            .path()
            .join("not/there/yet/conversations/00c0ffee42.md");
        assert_eq!(fs::read_to_string(path).unwrap(), "text");
    }

    #[test]
    fn only_its_own_names_in_its_own_place_are_documents() {
        let place = Place::Workspace("/p".into());
        for (path, expected) in [
            ("/p/.ezrouter/conversations/00c0ffee42.md", Some(ID)),
            ("/p/.ezrouter/conversations/00C0FFEE42.md", None),
            ("/p/.ezrouter/conversations/notes.md", None),
            ("/p/.ezrouter/conversations/00c0ffee42.txt", None),
            ("/p/.ezrouter/00c0ffee42.md", None),
            ("/p/vendor/.ezrouter/conversations/00c0ffee42.md", None),
            (
                "/p/.ezrouter/conversations/../conversations/00c0ffee42.md",
                None,
            ),
            ("/other/.ezrouter/conversations/00c0ffee42.md", None),
        ] {
            assert_eq!(place.conversation(Path::new(path)), expected, "{path}");
        }
        for name in ["", "../../../x", "00c0ffee4", "00c0ffee42/"] {
            assert_eq!(place.document(name), None, "{name}");
            assert!(place.make(name, "").is_err(), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_out_of_the_workspace() {
        let elsewhere = tempfile::tempdir().unwrap();
        let target = elsewhere.path().join("target");
        fs::create_dir(&target).unwrap();
        fs::write(elsewhere.path().join("file"), "theirs").unwrap();
        for (link, to) in [
            (".ezrouter", "target"),
            (".ezrouter/conversations", "target"),
            (".ezrouter/.gitignore", "file"),
            (".ezrouter/.gitignore", "gone"),
            (".ezrouter/conversations/00c0ffee42.md", "file"),
            (".ezrouter/conversations/00c0ffee42.md", "gone"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let link = folder.path().join(link);
            fs::create_dir_all(link.parent().unwrap()).unwrap();
            std::os::unix::fs::symlink(elsewhere.path().join(to), &link).unwrap();
            let place = Place::Workspace(folder.path().to_owned());
            let reason = place.make(ID, "ours").unwrap_err();
            assert!(reason.contains("it is a link"), "{reason}");
            assert!(reason.starts_with(&link.display().to_string()), "{reason}");
            assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
            assert!(!elsewhere.path().join("gone").exists());
            let file = fs::read_to_string(elsewhere.path().join("file")).unwrap();
            assert_eq!(file, "theirs");
        }
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Workspace(folder.path().to_owned());
        fs::write(folder.path().join(".ezrouter"), "a file").unwrap();
        let reason = place.make(ID, "").unwrap_err();
        assert!(
            reason.ends_with(".ezrouter cannot be used: something else has this name"),
            "{reason}"
        );
        let gone = Place::Workspace(folder.path().join("gone"));
        assert!(gone.make(ID, "").unwrap_err().contains("cannot be used: "));
    }
}
