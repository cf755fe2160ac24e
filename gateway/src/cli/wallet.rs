//! The node's wallet as a file that only its user reads.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use oxbeam_kernel::Startup;
use oxbeam_protocol::Wallet;

use super::arguments::{Wallet as Command, WalletFile};
use super::failure::Failure;
use super::say;

/// Read and written by its user alone.
const MODE: u32 = 0o600;
/// The same of a folder that is made for it.
const FOLDER_MODE: u32 = 0o700;
/// Bits of those who are not its user.
const OTHERS: u32 = 0o077;

/// `oxbeam wallet new` and `oxbeam wallet show`.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    let (Command::New(at) | Command::Show(at)) = command;
    let file = file(at)?;
    let wallet = match command {
        Command::New(_) => make(&file)?,
        Command::Show(_) => read(&file)?.ok_or_else(|| Failure::NoWallet(file.clone()))?,
    };
    let (address, file) = (wallet.address().to_string(), file.display().to_string());
    say(&match at.json {
        true => format!("{}\n", serde_json::json!({ "address": address, "file": file })),
        false => format!("address  {address}\nfile     {file}\n"),
    });
    Ok(())
}

fn file(at: &WalletFile) -> Result<PathBuf, Failure> {
    match &at.path {
        Some(path) => Ok(path.clone()),
        None => Ok(Startup::read(&at.configured.load([])?.message).wallet),
    }
}

/// The wallet in a file, which is made if it is not there, and whether it was.
pub(super) fn read_or_make(file: &Path) -> Result<(Wallet, bool), Failure> {
    match read(file)? {
        Some(wallet) => Ok((wallet, false)),
        None => Ok((make(file)?, true)),
    }
}

/// The wallet in a file, if that is there.
pub(super) fn read(file: &Path) -> Result<Option<Wallet>, Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => zeroize::Zeroizing::new(text),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io(file, error)),
    };
    let mode = fs::metadata(file).map_err(|error| Failure::io(file, error))?.mode();
    if mode & OTHERS != 0 {
        tracing::warn!(file = %file.display(), "other users may read the wallet: chmod 600 forbids it");
    }
    let wallet = Wallet::from_text(&text);
    wallet.map(Some).map_err(|source| Failure::Wallet { file: file.to_owned(), source })
}

/// A new RSA wallet in a new file.
fn make(file: &Path) -> Result<Wallet, Failure> {
    if file.exists() {
        return Err(Failure::WalletExists(file.to_owned()));
    }
    let wallet = Wallet::generate_rsa()?;
    match write(file, wallet.to_text()?.as_bytes()) {
        Ok(()) => Ok(wallet),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Failure::WalletExists(file.to_owned()))
        }
        Err(error) => Err(Failure::io(file, error)),
    }
}

/// Writes a new file as a whole: after a crash it is there with all of its bytes, or not at all.
fn write(file: &Path, text: &[u8]) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let unfinished = file.with_file_name(name);
    let mut options = OpenOptions::new();
    let written = options.write(true).create_new(true).mode(MODE).open(&unfinished);
    let written = written.and_then(|mut unfinished| {
        unfinished.write_all(text)?;
        unfinished.sync_all()
    });
    // Unlike a renaming, a link takes no other file's place.
    let linked = written.and_then(|()| fs::hard_link(&unfinished, file));
    let removed = fs::remove_file(&unfinished);
    linked.and(removed)?;
    File::open(folder)?.sync_all()
}
