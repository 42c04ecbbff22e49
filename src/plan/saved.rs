//! A plan that was saved for review: `plan -out FILE`, `show FILE`, `apply FILE`.
//!
//! It holds no sensitive value. Apply plans again from the configuration and the hosts, with the options kept here,
//! and runs only when the hash is still the saved one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Options, Plan};

/// What the file says it is; anything else isn't read as a plan.
pub const SAVED_KIND: &str = "replform plan";

/// The content of a plan file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// See [`SAVED_KIND`].
    pub kind: String,
    /// The format: that of the plan inside.
    pub format_version: String,
    /// The options it was made with.
    pub options: Options,
    /// The plan.
    pub plan: Plan,
}

/// Why a file can't be used as a plan.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// Not JSON, or not of this shape.
    #[error("it isn't a plan of this version of replform: {0}")]
    Shape(String),
    /// JSON of another kind.
    #[error("it isn't a saved plan (plan -out FILE makes one)")]
    Kind,
    /// A newer or older format.
    #[error("its format is {0}, this version of replform reads {format}", format = super::PLAN_FORMAT)]
    Format(String),
}

impl SavedPlan {
    /// A plan with its options, to be saved.
    pub fn new(plan: Plan, options: Options) -> Self {
        Self {
            kind: SAVED_KIND.to_owned(),
            format_version: plan.format_version.clone(),
            options,
            plan,
        }
    }

    /// Reads a plan file's text.
    ///
    /// # Errors
    /// When it isn't a saved plan, or one of another format.
    pub fn read(text: &str) -> Result<Self, SavedPlanError> {
        #[derive(Deserialize)]
        struct Head {
            kind: Option<String>,
            format_version: Option<String>,
        }
        let head: Head =
            serde_json::from_str(text).map_err(|error| SavedPlanError::Shape(error.to_string()))?;
        if head.kind.as_deref() != Some(SAVED_KIND) {
            return Err(SavedPlanError::Kind);
        }
        let format = head.format_version.unwrap_or_default();
        if format.split('.').next() != super::PLAN_FORMAT.split('.').next() {
            return Err(SavedPlanError::Format(format));
        }
        let mut json = serde_json::Deserializer::from_str(text);
        serde_path_to_error::deserialize(&mut json)
            .map_err(|error| SavedPlanError::Shape(error.to_string()))
    }
}
