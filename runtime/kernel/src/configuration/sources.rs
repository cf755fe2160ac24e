//! Where a configuration comes from when the node starts. Source: spec 21, section 7.

mod file;
mod flat;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{Config, ConfigError, Environment, Map, Source, Value};
use oxbeam_protocol::{Key, Message};

use super::error::ConfigurationError;
use super::names;
use super::node_message::{NodeMessage, set_option};
use super::options::option;
use crate::settings::Settings;

/// Files that are looked for in the working directory if none is named; the first one is taken.
pub const CONFIG_FILES: [&str; 3] = ["oxbeam.toml", "config.json", "config.flat"];

const PREFIX: &str = "OXBEAM";
/// Names the file, and so is no option.
const FILE_VARIABLE: &str = "config";
/// The option with keys that the operator made up.
const CUSTOM: &str = "custom";

/// What a configuration is made of, besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// A file that must be there: `.toml`, `.json` or `.flat`. If none is named, the first of
    /// [`CONFIG_FILES`] in `folder` is taken, if there is one.
    pub file: Option<PathBuf>,
    /// The working directory.
    pub folder: PathBuf,
    /// Environment variables; those that begin with `OXBEAM_` are options.
    pub environment: BTreeMap<String, String>,
    /// Options from the command line.
    pub flags: Vec<(String, String)>,
}

/// Options of one source, under canonical names.
#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

impl Sources {
    /// Reads them all: each in its turn takes the place of those before it.
    ///
    /// # Errors
    /// A file that cannot be read, an unknown option, a value of the wrong type.
    pub fn load(&self) -> Result<NodeMessage, ConfigurationError> {
        let mut layers = Config::builder();
        if let Some(file) = self.file()? {
            let origin = file.display().to_string();
            layers = layers.add_source(layer(file::read(&file)?, &origin)?);
        }
        let origin = "the environment";
        layers = layers.add_source(layer(self.environment()?, origin)?);
        layers = layers.add_source(layer(self.flags(), "the command line")?);
        let merged = layers.build().and_then(|config| config.collect());
        assemble(merged.map_err(|error| unreadable("its sources", &error))?)
    }

    fn file(&self) -> Result<Option<PathBuf>, ConfigurationError> {
        match &self.file {
            Some(file) => Ok(Some(file.clone())),
            None => {
                let files = CONFIG_FILES.iter().map(|name| self.folder.join(name));
                Ok(files.into_iter().find(|file| Path::exists(file)))
            }
        }
    }

    fn environment(&self) -> Result<Map<String, Value>, ConfigurationError> {
        let variables = self.environment.clone().into_iter().collect();
        let source = Environment::with_prefix(PREFIX).prefix_separator("_").source(Some(variables));
        let mut options =
            source.collect().map_err(|error| unreadable("the environment", &error))?;
        options.remove(FILE_VARIABLE);
        Ok(options)
    }

    fn flags(&self) -> Map<String, Value> {
        let origin = "the command line".to_owned();
        let value = |text: &String| Value::new(Some(&origin), text.as_str());
        self.flags.iter().map(|(name, text)| (name.clone(), value(text))).collect()
    }
}

/// Options under their canonical names; what is no option is an error here, where it is known who
/// wrote it.
fn layer(options: Map<String, Value>, origin: &str) -> Result<Layer, ConfigurationError> {
    let named = options.into_iter().map(|(name, value)| {
        let canonical = names::canonical(&name);
        match option(&canonical).is_some() || names::is_elsewhere(&canonical) {
            true => Ok((canonical, value)),
            false => Err(ConfigurationError::unknown(&name, origin)),
        }
    });
    named.collect::<Result<_, _>>().map(Layer)
}

fn assemble(options: Map<String, Value>) -> Result<NodeMessage, ConfigurationError> {
    let mut message = NodeMessage::default().message;
    for (name, value) in options {
        let origin = value.origin().map(str::to_owned);
        let Some(value) = value::read(&name, value)? else { continue };
        match option(&name) {
            Some(option) => set_option(&mut message, option, &value, origin.as_deref())?,
            // Kept and shown, though it means nothing here.
            None => drop(message.insert(Key::from(name.as_str()), value)),
        }
    }
    spread_custom(&mut message)?;
    Ok(NodeMessage { settings: Settings::read(&message), message })
}

/// Keys of the operator's own lie beside the options, as those do that are posted later.
fn spread_custom(message: &mut Message) -> Result<(), ConfigurationError> {
    let Some(oxbeam_protocol::Value::Map(custom)) = message.get(CUSTOM).cloned() else {
        return Ok(());
    };
    for (key, value) in custom.iter() {
        if let Some(option) = option(&key.to_text()) {
            return Err(ConfigurationError::Taken { name: option.name });
        }
        message.insert(key.clone(), value.clone());
    }
    Ok(())
}

fn unreadable(origin: &str, error: &dyn std::error::Error) -> ConfigurationError {
    ConfigurationError::Unreadable { origin: origin.to_owned(), reason: error.to_string() }
}
