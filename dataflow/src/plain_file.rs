//! Files that a person names on the command line or in a configuration: regular ones only, and of a bounded size.
//!
//! Opening a named pipe waits for a writer that may never come, reading a device may never end, and renaming a file over
//! either replaces it. So what is not a regular file is refused before it is opened, with words.

use std::fs::{self, File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Largest text file that is read whole (a configuration, thresholds, a secret), in bytes.
pub const TEXT_BYTES_MAX: u64 = 1 << 20;

/// What kind of thing a file is, in words.
fn kind(file: FileType) -> &'static str {
    match file {
        _ if file.is_dir() => "a folder",
        _ if file.is_fifo() => "a named pipe",
        _ if file.is_socket() => "a socket",
        _ if file.is_char_device() || file.is_block_device() => "a device",
        _ => "neither a file nor a folder",
    }
}

/// Refuses what is no regular file, in words.
pub(crate) fn require_regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let reason = format!("it is {}, and only a regular file can be used", kind(metadata.file_type()));
    Err(io::Error::new(ErrorKind::InvalidInput, reason))
}

/// Opens a regular file for reading; anything else is refused at once.
pub fn open(path: &Path) -> io::Result<File> {
    require_regular(&fs::metadata(path)?)?;
    // Without waiting, should a pipe have taken the file's place meanwhile.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    require_regular(&file.metadata()?)?;
    Ok(file)
}

/// The bytes of a regular file of at most `bytes_max` bytes.
pub fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        let reason = format!("it has more than {bytes_max} bytes, so it is taken for another file");
        return Err(io::Error::new(ErrorKind::FileTooLarge, reason));
    }
    Ok(bytes)
}

/// The text of a regular file of at most [`TEXT_BYTES_MAX`] bytes.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path, TEXT_BYTES_MAX)?).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        io::Error::new(ErrorKind::InvalidData, format!("it is not UTF-8 text at byte {place}"))
    })
}

/// Where a file of this name is to be written: where nothing is yet, or over a regular file, through symbolic links.
pub fn output(path: &Path) -> io::Result<PathBuf> {
    match fs::metadata(path) {
        Ok(metadata) => {
            require_regular(&metadata)?;
            fs::canonicalize(path)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::symlink_metadata(path) {
            Ok(_) => Err(io::Error::new(ErrorKind::InvalidInput, "it is a symbolic link to nothing")),
            Err(_) if path.file_name().is_none() => Err(io::Error::new(ErrorKind::InvalidInput, "it names no file")),
            Err(_) => Ok(path.to_owned()),
        },
        Err(error) => Err(error),
    }
}

/// Why no output lies in a data folder.
pub const IN_DATA_FOLDER: &str = "it lies in the data folder, whose files are the engine's own; name a file elsewhere";

/// Refuses an output that would take the place of what is nobody's to replace: the file `secret`, a file of a data folder,
/// or one of a git folder.
pub fn may_be_written(path: &Path, secret: Option<&Path>) -> io::Result<()> {
    let refuse = |reason: &str| Err(io::Error::new(ErrorKind::InvalidInput, reason));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // What is not there yet is refused or made by whoever opens it.
    let Ok(folder) = folder.canonicalize() else { return Ok(()) };
    let whole = path.canonicalize().unwrap_or_else(|_| folder.join(path.file_name().unwrap_or_default()));
    let is_secret = |secret: &Path| {
        let folder = secret.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let named = || folder.canonicalize().map(|folder| folder.join(secret.file_name().unwrap_or_default()));
        secret.canonicalize().or_else(|_| named()).is_ok_and(|secret| secret == whole)
    };
    if secret.is_some_and(is_secret) {
        return refuse("it is the author key; name another file");
    }
    for above in whole.ancestors().skip(1) {
        if above.join("LOCK").exists() && (above.join("bindings").exists() || above.join("code-events").exists()) {
            return refuse(IN_DATA_FOLDER);
        }
        if above.join("HEAD").exists() && above.join("objects").is_dir() && above.join("refs").is_dir() {
            return refuse("it lies in a git folder, whose files are git's own; name a file elsewhere");
        }
    }
    Ok(())
}

/// A file that takes its name only when it is complete; until then, and after a failure, what had the name keeps it.
#[derive(Debug)]
pub struct Replacement {
    file: File,
    beside: PathBuf,
    target: PathBuf,
    placed: bool,
}

impl Replacement {
    /// Begins a file that is to replace `path`.
    pub fn begin(path: &Path) -> io::Result<Self> {
        let target = output(path)?;
        let mut beside = target.as_os_str().to_owned();
        beside.push(format!(".{}.tmp", std::process::id()));
        let beside = PathBuf::from(beside);
        // Left by a process of the same number that was killed.
        match fs::symlink_metadata(&beside) {
            Ok(left) if left.is_file() => fs::remove_file(&beside)?,
            _ => {}
        }
        // Read as well as written, for whoever checks what was written.
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&beside)?;
        if let Ok(before) = fs::metadata(&target) {
            file.set_permissions(before.permissions())?;
        }
        Ok(Self { file, beside, target, placed: false })
    }

    /// The file, to be read or asked for its size before it has its name.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Makes it durable and gives it its name.
    pub fn place(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        fs::rename(&self.beside, &self.target)?;
        self.placed = true;
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Write for Replacement {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if !self.placed {
            // The failure that led here matters more than what is left of the attempt.
            let _ = fs::remove_file(&self.beside);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    /// A folder with a named pipe, a socket and a folder in it, each a path that is no regular file.
    fn odd_paths(folder: &Path) -> Vec<(PathBuf, &'static str)> {
        let [pipe, socket, inner] = ["pipe", "socket", "inner"].map(|name| folder.join(name));
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
        drop(UnixListener::bind(&socket).expect("is bound"));
        fs::create_dir(&inner).expect("is made");
        let device = PathBuf::from("/dev/zero");
        vec![(pipe, "a named pipe"), (socket, "a socket"), (inner, "a folder"), (device, "a device")]
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once_and_never_replaced() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (path, words) in odd_paths(folder.path()) {
            let before = fs::symlink_metadata(&path).expect("is there").file_type();
            for error in [
                read(&path, 10).expect_err("is refused"),
                output(&path).expect_err("is refused"),
                Replacement::begin(&path).expect_err("is refused"),
            ] {
                assert!(error.to_string().contains(words), "{}: {error}", path.display());
            }
            assert_eq!(fs::symlink_metadata(&path).expect("is there").file_type(), before);
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("file");
        fs::write(&path, b"0123456789").expect("is written");
        assert_eq!(read(&path, 10).expect("fits"), b"0123456789");
        assert!(read(&path, 9).expect_err("is too large").to_string().contains("more than 9 bytes"));
        fs::write(&path, b"ab\xff").expect("is written");
        assert!(read_text(&path).expect_err("is no text").to_string().contains("at byte 2"));
        assert_eq!(read(&folder.path().join("none"), 9).expect_err("is missing").kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&path, b"before").expect("is written");
        symlink("file", &link).expect("is linked");
        let mut dropped = Replacement::begin(&link).expect("begins");
        dropped.write_all(b"half").expect("is written");
        drop(dropped);
        assert_eq!(fs::read(&path).expect("is there"), b"before");
        let mut placed = Replacement::begin(&link).expect("begins");
        placed.write_all(b"after").expect("is written");
        placed.place().expect("is placed");
        assert_eq!(fs::read(&path).expect("is there"), b"after");
        assert!(fs::symlink_metadata(&link).expect("is there").is_symlink(), "the link stays a link");
        assert_eq!(fs::read_dir(folder.path()).expect("readable").count(), 2, "nothing is left aside");
        symlink("nothing", folder.path().join("dangling")).expect("is linked");
        assert!(
            output(&folder.path().join("dangling")).expect_err("is refused").to_string().contains("link to nothing")
        );
    }
}
