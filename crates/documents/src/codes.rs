//! Stable codes with their texts: reasons, checks and notes are each one enum made by `codes!`.

/// The language of a text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Simplified Chinese, 简体中文.
    ZhCn,
}

/// Makes an enum whose variants have a stable `UPPER_SNAKE` code and a text in both languages.
///
/// A code, once published, is never renamed or used for something else: programs match on it.
macro_rules! codes {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$doc:meta])* $variant:ident = $code:literal, $en:literal, $zh:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $( $(#[$doc])* #[doc = concat!("`", $code, "`: ", $en, ".")] $variant, )+
        }

        impl $name {
            /// Every code, in the order in which they are documented.
            pub const ALL: &'static [Self] = &[ $( Self::$variant, )+ ];

            /// The stable name of this code, such as programs compare.
            pub const fn code(self) -> &'static str {
                match self { $( Self::$variant => $code, )+ }
            }

            /// What the code says to a person, without a full stop.
            pub const fn text(self, language: $crate::Language) -> &'static str {
                match (self, language) {
                    $( (Self::$variant, $crate::Language::En) => $en,
                       (Self::$variant, $crate::Language::ZhCn) => $zh, )+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.code())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(code: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|known| known.code() == code).ok_or(())
            }
        }
    };
}

pub(crate) use codes;
