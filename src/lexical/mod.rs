//! stub
use std::path::Path; use std::sync::Arc;
use crate::paper::{Paper,Passage};
pub const FOLDER:&str="lexical";
#[derive(Debug,thiserror::Error)] #[error("x")] pub struct LexicalError;
pub struct Document;
impl Document{ pub fn of(_n:u32,_p:&Paper,_q:&Passage)->Option<Self>{None} }
pub struct LexicalIndex;
impl LexicalIndex{ pub fn write(_f:&Path,d:impl IntoIterator<Item=Document>)->Result<Vec<String>,LexicalError>{ d.into_iter().count(); Ok(vec![])} pub fn open(_f:&Path)->Result<Self,LexicalError>{Ok(Self)} pub fn in_memory(_d:impl IntoIterator<Item=Document>)->Result<Self,LexicalError>{Ok(Self)} }
pub struct Terms; impl Terms{ pub fn of(_q:&str)->Self{Self} }
pub struct Lexicon; impl Lexicon{ pub fn new(_i:Vec<Arc<LexicalIndex>>)->Self{Self} pub fn search(&self,_t:&Terms,_a:&dyn Fn(u32)->bool)->Result<Vec<Hit>,LexicalError>{Ok(vec![])} }
pub struct Hit{pub number:u32,pub score:f32,pub coverage:f32}
pub struct Matched{pub word:String,pub spans:Vec<std::ops::Range<usize>>}
pub fn matched(_t:&Terms,_x:&str)->Vec<Matched>{vec![]}
