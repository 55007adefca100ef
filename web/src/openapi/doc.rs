//! What the API's description says of one endpoint. Stands beside its route, so that neither is changed alone.

use schemars::{JsonSchema, Schema, SchemaGenerator};

/// Makes the schema of one type.
pub type Shape = fn(&mut SchemaGenerator) -> Schema;

/// What an answer carries.
#[derive(Clone, Copy)]
pub enum Content {
    /// JSON of this shape.
    Json(Shape),
    /// Text of this media type.
    Text(&'static str),
    /// Nothing.
    Nothing,
}

/// An endpoint in words and shapes.
#[derive(Clone)]
pub struct Doc {
    /// Unique name, `noun.verb`; the noun groups endpoints.
    pub id: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The body, where one is taken.
    pub body: Option<Shape>,
    /// Objects whose members are query parameters.
    pub query: Vec<Shape>,
    /// Answers when all is well, by status.
    pub answers: Vec<(u16, Content)>,
    /// Whether it takes an `Idempotency-Key`.
    pub repeatable: bool,
    /// Whether it takes an `If-Match`.
    pub conditional: bool,
}

fn shape_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

fn members_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Doc {
    /// An endpoint by name, with one sentence on what it does.
    #[must_use]
    pub const fn of(id: &'static str, summary: &'static str) -> Self {
        Self { id, summary, body: None, query: Vec::new(), answers: Vec::new(), repeatable: false, conditional: false }
    }

    /// Takes a body of this shape.
    #[must_use]
    pub const fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(shape_of::<T>);
        self
    }

    /// Takes query parameters: the members of this shape.
    #[must_use]
    pub fn query<T: JsonSchema>(mut self) -> Self {
        self.query.push(members_of::<T>);
        self
    }

    /// Answers with this status and shape.
    #[must_use]
    pub fn gives<T: JsonSchema>(mut self, status: u16) -> Self {
        self.answers.push((status, Content::Json(shape_of::<T>)));
        self
    }

    /// Answers 200 with text of this media type.
    #[must_use]
    pub fn gives_text(mut self, media_type: &'static str) -> Self {
        self.answers.push((200, Content::Text(media_type)));
        self
    }

    /// Answers 204.
    #[must_use]
    pub fn gives_nothing(mut self) -> Self {
        self.answers.push((204, Content::Nothing));
        self
    }

    /// A repeat with the same `Idempotency-Key` answers as the first call did.
    #[must_use]
    pub const fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Carried out only when the thing is still at the version in `If-Match`.
    #[must_use]
    pub const fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    /// The noun.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.id.split_once('.').map_or(self.id, |(noun, _)| noun)
    }
}
