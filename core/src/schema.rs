//! How types that are written as text look in the API's description. Types of other shapes derive theirs.

/// Describes a type that is written as a text of this pattern.
macro_rules! text_schema {
    ($type:ty, $name:expr, $pattern:expr, $example:expr) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "examples": [$example] })
            }
        }
    };
}

pub(crate) use text_schema;
