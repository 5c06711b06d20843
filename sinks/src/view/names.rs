//! Names that recur in every prediction (features, experts, models), each held once.
//!
//! Only the writer adds names and none is ever removed: the sets are small by nature (the features table, the experts, the
//! models of a process's life), and a number handed out stays valid in everything packed before.

use driftline_schema::ModelId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Two tables, of texts and of models, with a number for each entry.
#[derive(Clone, Default)]
pub(super) struct Names {
    texts: Vec<Arc<str>>,
    text_numbers: BTreeMap<Arc<str>, u64>,
    models: Vec<ModelId>,
    model_numbers: BTreeMap<ModelId, u64>,
}

impl Names {
    /// The number of `text`, adding it when it is new. `names` is copied only then, so readers keep the table they hold.
    pub(super) fn text(names: &mut Arc<Self>, text: &str) -> u64 {
        if let Some(number) = names.text_numbers.get(text) {
            return *number;
        }
        let table = Arc::make_mut(names);
        let number = table.texts.len() as u64;
        let text: Arc<str> = text.into();
        table.texts.push(Arc::clone(&text));
        table.text_numbers.insert(text, number);
        number
    }

    /// The number of `model`, adding it when it is new.
    pub(super) fn model(names: &mut Arc<Self>, model: ModelId) -> u64 {
        if let Some(number) = names.model_numbers.get(&model) {
            return *number;
        }
        let table = Arc::make_mut(names);
        let number = table.models.len() as u64;
        table.models.push(model);
        table.model_numbers.insert(model, number);
        number
    }

    /// The text with this number.
    pub(super) fn text_of(&self, number: u64) -> &str {
        &self.texts[number as usize]
    }

    /// The model with this number.
    pub(super) fn model_of(&self, number: u64) -> ModelId {
        self.models[number as usize]
    }
}
