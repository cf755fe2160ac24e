//! Runs the categories of a folder and counts.

use std::fmt;
use std::panic::catch_unwind;
use std::path::Path;

use anyhow::{Result, anyhow};

use crate::category::{CATEGORIES, Category, Lacking};
use crate::deviations;
use crate::vector::{Folder, Vector};

/// What came of one category.
#[derive(Debug)]
pub struct Report {
    /// The category's name: that of its file.
    pub category: &'static str,
    /// Lines with the right answer, deliberate deviations included.
    pub passed: usize,
    /// Lines with another answer: their ids, and what differs.
    pub failures: Vec<(String, String)>,
    /// Lines that were not checked to their end: their ids, and what the node lacks.
    pub skipped: Vec<(String, String)>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} passed, {} failed", self.category, self.passed, self.failures.len())?;
        if !self.skipped.is_empty() {
            write!(f, ", {} skipped", self.skipped.len())?;
        }
        for (id, difference) in &self.failures {
            write!(f, "\n  {id}: {difference:.1500}")?;
        }
        for (id, reason) in &self.skipped {
            write!(f, "\n  {id}: skipped, {reason}")?;
        }
        Ok(())
    }
}

/// Checks every known category that the folder has.
///
/// # Errors
/// The folder has none, or a file of it cannot be read.
pub fn run(folder: &Path) -> Result<Vec<Report>> {
    let folder = Folder::new(folder);
    let mut reports = Vec::new();
    for category in CATEGORIES {
        if let Some(vectors) = folder.vectors(category.name)? {
            reports.push(check_all(category, &folder, &vectors));
        }
    }
    if reports.is_empty() {
        return Err(anyhow!("no category of vectors in {folder:?}"));
    }
    Ok(reports)
}

fn check_all(category: &Category, folder: &Folder, vectors: &[Vector]) -> Report {
    let mut report =
        Report { category: category.name, passed: 0, failures: Vec::new(), skipped: Vec::new() };
    for vector in vectors {
        // A panic is a wrong answer to one line, not the end of the run.
        let Ok(outcome) = catch_unwind(|| (category.check)(folder, vector)) else {
            report.failures.push((vector.id.clone(), "panicked".into()));
            continue;
        };
        if let Err(error) = &outcome
            && let Some(lacking) = error.downcast_ref::<Lacking>()
        {
            report.skipped.push((vector.id.clone(), format!("the node has no {lacking}")));
            continue;
        }
        match (outcome, deviations::reason(&vector.id)) {
            (Ok(()), None) | (Err(_), Some(_)) => report.passed += 1,
            (Err(error), None) => report.failures.push((vector.id.clone(), format!("{error:#}"))),
            (Ok(()), Some(_)) => {
                let text = "listed as a deviation, but answers as the reference node does";
                report.failures.push((vector.id.clone(), text.into()));
            }
        }
    }
    report
}
