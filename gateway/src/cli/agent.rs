//! An agent as it lies on disk: code, and what its definition says.
//!
//! A folder has an `agent.toml`; a file is an agent by itself.
//!
//! | Key of `agent.toml` | What                                                                       |
//! |---------------------|----------------------------------------------------------------------------|
//! | `name`              | what the definition calls it                                               |
//! | `code`              | the file: `.lua`, `.wasm` or `.wat`                                        |
//! | `build`             | command that makes it, as a list of words; it is run in the folder          |
//! | `build-needs`       | how to get what the command needs, said when it is not there               |
//! | `interface`         | of WebAssembly: `numbers` (default), or `json` for `handle(message, environment)` |
//! | `[definition]`      | more keys of the definition                                                |

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use bytes::Bytes;
use oxbeam_protocol::{List, Message, Value};
use serde::Deserialize;
use serde_json::Value as Json;

use super::failure::Failure;
use super::show;

/// The file that describes an agent.
pub(super) const MANIFEST: &str = "agent.toml";
/// What hands messages to WebAssembly as JSON, in order. Source: spec 13, section 1.
const JSON_STACK: [&str; 4] = ["wasi@1.0", "json-iface@1.0", "wasm-64@1.0", "multipass@1.0"];
/// What such a stack passes on.
const STACK_KEYS: [&str; 4] = ["init", "compute", "snapshot", "normalize"];

/// An agent.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) name: String,
    code: Code,
    more: Message,
}

/// The code, by what runs it.
#[derive(Debug)]
enum Code {
    Lua(Bytes),
    Wasm { image: Bytes, json: bool },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Manifest {
    name: String,
    code: PathBuf,
    #[serde(default)]
    build: Vec<String>,
    #[serde(default)]
    build_needs: String,
    #[serde(default)]
    interface: Interface,
    #[serde(default)]
    definition: serde_json::Map<String, Json>,
}

/// How WebAssembly is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Interface {
    #[default]
    Numbers,
    Json,
}

impl Agent {
    /// Reads an agent, and builds it first if it says how.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        if !path.is_dir() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let code = Code::read(path, Interface::default())?;
            return Ok(Self { name, code, more: Message::new() });
        }
        let file = path.join(MANIFEST);
        let text = read(&file, "`oxbeam new NAME` makes an agent")?;
        let wrong = |reason: String| Failure::Malformed { path: file.clone(), reason };
        let text = std::str::from_utf8(&text).map_err(|error| wrong(error.to_string()))?;
        let manifest: Manifest = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        manifest.build(path)?;
        let code = Code::read(&path.join(&manifest.code), manifest.interface)?;
        Ok(Self { name: manifest.name, code, more: show::message(&manifest.definition) })
    }

    /// The code as a message of its own.
    pub(super) fn module(&self) -> Message {
        let (kind, body) = match &self.code {
            Code::Lua(source) => ("application/lua", source),
            Code::Wasm { image, .. } => ("application/wasm", image),
        };
        let name = Value::from(self.name.clone());
        let module = Message::from([("type", "Module"), ("content-type", kind)]);
        module.with("name", name).with("body", Value::Bytes(body.clone()))
    }

    /// The definition of a process that runs the code of this id, scheduled by this node.
    pub(super) fn definition(&self, module: &str, node: &str) -> Message {
        let mut definition = Message::from([
            ("device", "process@1.0"),
            ("type", "Process"),
            ("data-protocol", "ao"),
            ("variant", "ao.N.1"),
            ("scheduler-device", "scheduler@1.0"),
            ("push-device", "push@1.0"),
            ("scheduler", node),
            ("authority", node),
            ("name", self.name.as_str()),
        ]);
        match &self.code {
            Code::Lua(_) => {
                definition.insert("execution-device", "lua@5.3a");
                definition.insert("module", module.to_owned());
            }
            Code::Wasm { json, .. } => {
                definition.insert("image", module.to_owned());
                definition.extend(if *json { json_stack() } else { plain() });
            }
        }
        definition.extend(self.more.clone());
        // Two agents that say the same are two agents.
        definition.with("random-seed", format!("{:016x}", fastrand::u64(..)))
    }
}

fn plain() -> Message {
    let list = |names: &[&'static str]| names.iter().copied().map(Value::from).collect::<List>();
    Message::from([("execution-device", "stack@1.0")])
        .with("device-stack", list(&["wasm-64@1.0"]))
        .with("stack-keys", list(&STACK_KEYS))
}

fn json_stack() -> Message {
    let list = |names: [&'static str; 4]| names.into_iter().map(Value::from).collect::<List>();
    Message::from([("execution-device", "stack@1.0"), ("output-prefix", "wasm")])
        .with("device-stack", list(JSON_STACK))
        .with("stack-keys", list(STACK_KEYS))
        .with("passes", 2)
}

impl Code {
    fn read(path: &Path, interface: Interface) -> Result<Self, Failure> {
        let wrong = |reason: String| Failure::Malformed { path: path.to_owned(), reason };
        let code = || read(path, "name a folder with agent.toml, or a .lua, .wasm or .wat file");
        let json = interface == Interface::Json;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("lua") => Ok(Self::Lua(code()?)),
            Some("wasm") => Ok(Self::Wasm { image: code()?, json }),
            Some("wat") => {
                let text = code()?;
                let image = wat::parse_bytes(&text).map_err(|error| wrong(error.to_string()))?;
                Ok(Self::Wasm { image: image.into_owned().into(), json })
            }
            _ => code().and(Err(wrong("an agent is a .lua, .wasm or .wat file".into()))),
        }
    }
}

impl Manifest {
    /// Runs the command that makes the code.
    fn build(&self, folder: &Path) -> Result<(), Failure> {
        let Some((tool, words)) = self.build.split_first() else { return Ok(()) };
        let mut command = Command::new(tool);
        // What it says is no result of ours.
        command.args(words).current_dir(folder).stdin(Stdio::null()).stdout(std::io::stderr());
        let folder = folder.to_owned();
        match command.status() {
            Ok(status) if status.success() => Ok(()),
            Ok(_) => Err(Failure::Build { command: self.build.join(" "), folder }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let hint = match &*self.build_needs {
                    "" => "install it".to_owned(),
                    hint => hint.to_owned(),
                };
                Err(Failure::NoTool { tool: tool.clone(), folder, hint })
            }
            Err(error) => Err(Failure::io(folder, error)),
        }
    }
}

fn read(path: &Path, hint: &'static str) -> Result<Bytes, Failure> {
    match fs::read(path) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(Failure::NoFile { path: path.to_owned(), hint })
        }
        Err(error) => Err(Failure::io(path, error)),
    }
}
