//! What a run that was killed, or lost its server, left behind: taken up where it was, in the same act.
//!
//! Each step that may have been taken is asked for again by the request that was kept of it. What gate e has recorded comes to
//! its place whenever that is. What it has not goes on in the act for as long as that is open, and after that in another one.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use eseal_proto::authentication::v1 as pb;
use uuid::Uuid;

use super::act;
use super::attempt::Attempt;
use super::batch::Run;
use super::begun::{Begun, Entry};
use super::bench::{Ready, Rooms};
use super::inputs::{self, Input};
use super::line::Line;
use super::portion::OpenAct;
use super::repeat::Act;
use super::results::{failed_line, is_over};
use crate::connect::{Server, request_id};
use crate::failure::{Failure, Kind};
use crate::lang::Lang;

/// How an act stands at the service.
enum Standing {
    /// Gate d has let it through.
    Authorized,
    /// Gate d was not asked, or has not answered.
    Waits,
    /// It is over.
    Over,
}

/// A document of a list, with its place in it.
type Listed = (u32, Entry);

impl Run<'_> {
    /// Has gate e answer again what it was shown, and puts what it recorded into its place.
    pub(super) async fn settle_what_was_recorded(&mut self) -> Result<(), Failure> {
        for attempt in self.results.journal.begun()? {
            let begun = self.kept(attempt)?;
            for (path, request) in begun.completions()? {
                match act::complete_batch(self.server, request.clone()).await {
                    Ok(said) => self.results.settle_again((&begun, &self.args.output_dir), &request, said)?,
                    Err(failure) if is_over(&failure) => {} // it was not recorded
                    Err(failure) => return Err(failure),
                }
                let _ = fs::remove_file(path); // it goes with the act at last
            }
        }
        Ok(())
    }

    /// Goes on with acts that were begun, one by one. What is not done in them is left in `left`.
    pub(super) async fn go_on_with_what_was_begun(&mut self, left: &mut Vec<Input>) -> Result<(), Failure> {
        for attempt in self.results.journal.begun()? {
            let begun = self.kept(attempt)?;
            let ended = self.results.journal.ended(begun.attempt_id());
            let open = begun.open(&self.args.output_dir, ended);
            let open: BTreeMap<_, _> =
                open.into_iter().map(|(output, (at, entry))| (output, (at, entry.clone()))).collect();
            let (mut own, rest): (Vec<_>, Vec<_>) = left.drain(..).partition(|input| open.contains_key(&input.output));
            let ended = self.go_on(begun, open, &mut own).await;
            own.extend(rest);
            *left = own;
            ended?;
        }
        Ok(())
    }

    fn kept(&self, attempt: Uuid) -> Result<Begun, Failure> {
        Begun::read(self.env.lang(), self.results.journal.folder(), attempt)
    }

    async fn go_on(
        &mut self,
        begun: Begun,
        open: BTreeMap<PathBuf, Listed>,
        own: &mut Vec<Input>,
    ) -> Result<(), Failure> {
        let (server, lang) = (self.server, self.env.lang());
        let standing = standing(server, &begun).await?;
        if matches!(standing, Standing::Over) || open.is_empty() {
            begun.forget();
            self.tell_of_another_act(own.len());
            return Ok(());
        }
        if own.is_empty() {
            return Ok(()); // a run over its documents goes on with it
        }
        if begun.seal_id() != self.args.manner.seal {
            return Err(other_act(lang));
        }
        let attempt = Attempt::again(server, &self.args.manner.seal, begun.response()?, Act::of(None));
        if self.means.is_none() {
            self.means = Some(self.take_means(&attempt, own, false).await?);
        }
        if matches!(standing, Standing::Waits) {
            match self.ask(&attempt, begun.asking()?).await {
                Err(failure) if is_over(&failure) || failure.code == "SEALING_OUT_OF_ORDER" => {
                    begun.forget(); // nothing was counted
                    return Ok(());
                }
                answer => answer?,
            }
        }
        self.must_be_alike(&begun, own)?;
        let (ready, is_whole) = self.digest_again(&attempt, begun.rooms(), &open, own)?;
        let list = begun.list()?;
        let act = OpenAct { given: given(server, &begun).await?, list, begun, is_whole };
        if ready.is_empty() && is_whole {
            let _ = act::complete_batch(server, attempt.completion(&act.list, Vec::new(), true)).await; // or it ends by its age
        }
        self.portions(&attempt, &act, ready, own)
    }

    /// Lays the documents of an act out again, which must come to what was authorized. Those that were changed meanwhile are told, and
    /// are no more among `own`. Also says whether the act is over after the others.
    fn digest_again(
        &mut self,
        attempt: &Attempt<'_>,
        rooms: Rooms,
        open: &BTreeMap<PathBuf, Listed>,
        own: &mut Vec<Input>,
    ) -> Result<(Vec<Ready>, bool), Failure> {
        let lang = self.env.lang();
        let (digested, failed) = self.digest_all(attempt, rooms, own.clone())?;
        let (mut ready, mut changed): (Vec<Ready>, Vec<Line>) = (Vec::new(), Vec::new());
        for mut document in digested {
            let Some((index, entry)) = open.get(&document.input.output) else { continue };
            if document.input_digest != entry.input_digest {
                changed.push(told_as_changed(lang, attempt, *index, &document.input));
                continue;
            }
            document.listed.index = *index;
            if document.listed.leaf().to_string() != entry.leaf {
                return Err(other_act(lang)); // so would all of them: none is told as failed
            }
            ready.push(document);
        }
        ready.sort_unstable_by_key(|document| document.listed.index);
        let is_whole = ready.len() + changed.len() == open.len();
        *own = ready.iter().map(|document| document.input.clone()).collect();
        self.results.refuse(&failed)?;
        self.results.refuse(&changed)?;
        Ok((ready, is_whole))
    }

    /// Refuses another electronic seal, and time stamps where there were none.
    fn must_be_alike(&self, begun: &Begun, own: &[Input]) -> Result<(), Failure> {
        let (means, rooms) = (self.means()?, begun.rooms());
        let is_alike = begun.seal_digest() == means.seal_digest
            && inputs::formats(own).all(|format| rooms.contains_key(&format) == means.pades.contains_key(&format));
        if is_alike { Ok(()) } else { Err(other_act(self.env.lang())) }
    }

    fn tell_of_another_act(&self, documents: usize) {
        let lang = self.env.lang();
        if documents == 0 {
            return;
        }
        self.results.interrupt(|| {
            self.env.output.say(&match lang.pick("zh", "en") {
                "zh" => format!("中断的批量签章已在服务器上结束:其余 {documents} 个文档在新的一次中签章,重新计数,需审批的须再获批准"),
                _ => format!(
                    "the act that was broken off has ended at the service: its other {documents} documents go into another one, are counted again, and need another approval where the seal asks for one"
                ),
            });
        });
    }
}

/// Asks gate e about no document at all, which records nothing.
async fn standing(server: &Server, begun: &Begun) -> Result<Standing, Failure> {
    let (seal_id, attempt_id) = (begun.seal_id().to_owned(), begun.attempt_id().to_owned());
    let nothing =
        pb::CompleteBatchRequest { request_id: request_id(), seal_id, attempt_id, documents: Vec::new(), last: false };
    match act::complete_batch(server, nothing).await {
        Ok(_) => Ok(Standing::Authorized),
        Err(failure) if failure.code == "ATTEMPT_NOT_OPEN" => Ok(Standing::Over),
        Err(failure) if failure.code == "SEALING_OUT_OF_ORDER" => Ok(Standing::Waits),
        Err(failure) => Err(failure),
    }
}

/// What the hosted key signed for an earlier run: it gives the same once more, and for each document once.
async fn given(server: &Server, begun: &Begun) -> Result<BTreeMap<u32, (Vec<u8>, Vec<u8>)>, Failure> {
    let mut given = BTreeMap::new();
    for request in begun.signings()? {
        let signatures = act::sign_batch(server, request.clone()).await?;
        for (asked, signature) in request.documents.into_iter().zip(signatures) {
            if let (Some(document), Ok(signature)) = (asked.document, signature) {
                given.insert(document.index, (asked.to_be_signed, signature));
            }
        }
    }
    Ok(given)
}

fn told_as_changed(lang: Lang, attempt: &Attempt<'_>, index: u32, input: &Input) -> Line {
    let why = lang.pick(
        "授权之后被改动,未签章;可用 --resume 按现在的内容签章,重新计数",
        "it is not what was authorized, and was not sealed: --resume seals what it is now, and counts that",
    );
    let failure = Failure::new(Kind::Usage, "FILE_CHANGED", lang).because(why);
    Line { attempt_id: attempt.id().to_owned(), index: Some(index), ..failed_line(input, &failure) }
}

/// The act that goes on is one of another seal, place or manner.
pub(super) fn other_act(lang: Lang) -> Failure {
    let why = lang.pick(
        "中断的批量签章所用的印章、位置或选项与此不同",
        "the run that was broken off sealed with another seal, at another place or with other options",
    );
    Failure::usage(lang, format_args!("--resume: {why}")).advise(lang.pick(
        "用原来的参数继续;或等其在服务器上结束(十分钟,每个文档另加 0.1 秒),届时可用任何参数",
        "resume it as it was; or wait until it has ended at the service, ten minutes and a tenth of a second for each document: then any will do",
    ))
}
