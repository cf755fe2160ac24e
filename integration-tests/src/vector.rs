//! One line of a category, and the folder that it came from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

/// A question and its answer.
#[derive(Debug, Clone)]
pub struct Vector {
    /// Unique over all files.
    pub id: String,
    /// What to do with the input.
    pub op: String,
    /// Whether the reference node fails here, goes beyond its answers, or depends on its host.
    pub category: String,
    /// The input.
    pub input: Json,
    /// The answer.
    pub output: Json,
}

impl Vector {
    /// A part of the input.
    ///
    /// # Errors
    /// There is none of this name.
    pub fn input(&self, part: &str) -> Result<&Json> {
        self.input.get(part).with_context(|| format!("the vector has no input {part}"))
    }

    /// The text of a part of the input.
    ///
    /// # Errors
    /// There is none of this name, or it is no text.
    pub fn input_text(&self, part: &str) -> Result<&str> {
        self.input(part)?.as_str().with_context(|| format!("input {part} is no text"))
    }

    /// A part of the answer, if the line fixes it.
    #[must_use]
    pub fn output(&self, part: &str) -> Option<&Json> {
        self.output.get(part)
    }
}

/// Whether an answer, or a part of one, is that there is none.
#[must_use]
pub fn is_error(answer: &Json) -> bool {
    answer.get("error").and_then(Json::as_bool) == Some(true)
}

/// A folder of vectors.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at this path.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// The lines of a category, or `None` if the folder does not have it.
    ///
    /// # Errors
    /// A file that cannot be read, or a line that is no vector.
    pub fn vectors(&self, category: &str) -> Result<Option<Vec<Vector>>> {
        let path = self.0.join(format!("{category}.jsonl"));
        if !path.exists() {
            return Ok(None);
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let vectors: Result<Vec<_>> = lines.map(vector).collect();
        Ok(Some(vectors.with_context(|| format!("reading {}", path.display()))?))
    }

    /// The JWK of a wallet of the folder, as text.
    ///
    /// # Errors
    /// The folder has no such wallet.
    pub fn wallet(&self, number: &str) -> Result<String> {
        let wallets: Json =
            serde_json::from_str(&fs::read_to_string(self.0.join("wallets.json"))?)?;
        Ok(wallets.get(number).with_context(|| format!("no wallet {number}"))?.to_string())
    }
}

fn vector(line: &str) -> Result<Vector> {
    let Json::Object(mut line) = serde_json::from_str(line)? else {
        bail!("not an object: {line}")
    };
    let mut text = |key: &str| match line.remove(key) {
        Some(Json::String(text)) => Ok(text),
        None => Ok(String::new()),
        Some(other) => bail!("{key} is no text: {other}"),
    };
    let (id, op, category) = (text("id")?, text("op")?, text("category")?);
    if line.contains_key("steps") {
        // A scenario: the answers are in its steps.
        let input = Json::Object(line);
        return Ok(Vector { input, output: Json::Null, id, op, category });
    }
    let mut part = |key: &str| line.remove(key).with_context(|| format!("{id} has no {key}"));
    Ok(Vector { input: part("in")?, output: part("out")?, id: id.clone(), op, category })
}
