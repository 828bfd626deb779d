//! The maker's workbench: approved applications, one after the other, with cards inserted one after the other.
//!
//! Each order gets the card whose certificate is its organization's. A card whose PIN was wrong, or that the service refused, is
//! not tried again by itself: each wrong PIN counts. What was begun and not ended, by this program or another one of the
//! same maker, is begun anew, so that an interrupted queue goes on when it is run again.

mod cards;
mod told;

use std::io::BufRead as _;
use std::process::ExitCode;

use eseal_card::{Card, Opened};
use eseal_kernel::Uscc;
use eseal_proto::fabrication::v1 as pb;
use eseal_proto::fabrication::v1::fabrication_service_client::FabricationServiceClient;
use eseal_proto::seal::v1::Custody;

use super::Env;
use super::fabrication::{Run, connected, maker_unlocked};
use crate::args::Make;
use crate::connect::Server;
use crate::failure::{Failure, Kind};
use crate::secret::can_ask;

use cards::Cards;
use told::Told;

/// The most orders of one sitting; the rest comes in the next.
const MOST: usize = 500;
/// The most bytes of an answer at the terminal.
const LINE: u64 = 1 << 10;

/// What somebody at the terminal wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Again,
    Skip,
    Stop,
}

pub async fn make(env: &Env, args: &Make) -> Result<ExitCode, Failure> {
    if let Some(application) = &args.application {
        return super::fabrication::make(env, args, application).await.map(|()| ExitCode::SUCCESS);
    }
    let (server, lang) = (env.server()?, env.lang());
    let orders = waiting(&server).await?;
    if args.show {
        env.output.result(&told::queue_json(&orders), told::table(env.output, &orders));
        return Ok(ExitCode::SUCCESS);
    }
    env.output.say(&told::table(env.output, &orders));
    let mut told = Told::default();
    if orders.is_empty() {
        env.output.result(&told.to_json(), lang.pick("没有待制章的申请", "nothing waits to be made"));
        return Ok(ExitCode::SUCCESS);
    }
    let absent = || Failure::new(Kind::Refused, "MAKER_CARD_ABSENT", lang).advise("eseal make --maker-card CARD");
    let maker_card = connected(lang, args.maker_card.as_ref())?.ok_or_else(absent)?;
    let maker = maker_unlocked(lang, &maker_card, args.maker_pin_file.as_deref())?;
    let cards = Cards::new(lang, &args.cards, &args.pin_files)?;
    let asks = can_ask() && !env.output.json;
    let mut bench = Bench { env, server: &server, maker_card, maker, cards, asks };
    for (number, order) in orders.iter().enumerate() {
        env.output.say(&told::heading(lang, number + 1, orders.len(), order));
        if bench.next(order, &mut told).await == Wish::Stop {
            told.leave(&orders[number..]);
            break;
        }
    }
    env.output.result(&told.to_json(), told.to_words(lang));
    Ok(told.exit_code())
}

/// A maker at work.
struct Bench<'a> {
    env: &'a Env,
    server: &'a Server,
    maker_card: Card,
    maker: Opened,
    cards: Cards,
    asks: bool,
}

impl Bench<'_> {
    /// One order, until it is made, skipped, or left with everything after it.
    async fn next(&mut self, order: &pb::Fabrication, told: &mut Told) -> Wish {
        loop {
            let made =
                if order.custody() == Custody::HostedKey { self.hand_over(order).await } else { self.run(order).await };
            let failure = match made {
                Ok(Some(seal)) => {
                    told.made(order, &seal);
                    self.env.output.say(&told::success(self.env.lang(), &seal));
                    return Wish::Skip;
                }
                Ok(None) => {
                    told.handed_over(order);
                    return Wish::Skip;
                }
                Err(failure) => told::advised(failure, self.env.lang()),
            };
            let is_cards = failure.code == "SEAL_CARD_ABSENT";
            self.env.output.fail_on_the_way(&failure);
            match self.wish(order, is_cards) {
                Wish::Again => {}
                wish => {
                    let ends = failure.kind == Kind::Unreachable || wish == Wish::Stop;
                    told.not_made(order, failure);
                    return if ends { Wish::Stop } else { wish };
                }
            }
        }
    }

    /// A seal whose keys the service has: it makes it itself.
    async fn hand_over(&self, order: &pb::Fabrication) -> Result<Option<String>, Failure> {
        Run::begin(self.server, self.env.output, &order.application_id, None).await.map(|_| None)
    }

    async fn run(&mut self, order: &pb::Fabrication) -> Result<Option<String>, Failure> {
        let lang = self.env.lang();
        let organization = order.organization.clone().unwrap_or_default().uscc;
        let fits = organization.parse::<Uscc>().ok();
        let found = fits.and_then(|uscc| self.cards.of(&uscc));
        let found =
            found.ok_or_else(|| Failure::new(Kind::Refused, "SEAL_CARD_ABSENT", lang).because(&organization))?;
        let run = Run::begin(self.server, self.env.output, &order.application_id, Some(&self.maker_card)).await?;
        let (card, pin_file) = (found.card.clone(), found.pin_file.clone());
        // Whatever comes of it, this card is not tried again by itself.
        self.cards.used(found.card.serial());
        let made = run.carry_on(&self.maker, || Ok(Some(card)), pin_file.as_deref()).await;
        run.settled(made).await.map(Some)
    }

    /// What to do after something failed. A script goes on with the next.
    fn wish(&mut self, order: &pb::Fabrication, card_is_absent: bool) -> Wish {
        if !self.asks {
            return Wish::Skip;
        }
        let lang = self.env.lang();
        let organization = order.organization.clone().unwrap_or_default();
        let what = match card_is_absent {
            true => format!("{} {}", lang.pick("请插入电子印章卡:", "insert the seal card of"), organization.name_zh),
            false => lang.pick("再试一次?", "once more?").to_owned(),
        };
        let keys = lang.pick("回车=继续,s=跳过,q=结束", "Enter = go on, s = skip, q = stop");
        self.env.output.say(&format!("{what} [{keys}]"));
        let wish = typed();
        if wish == Wish::Again {
            self.cards.offer_again();
        }
        wish
    }
}

/// What somebody types; the end of the input is an end.
fn typed() -> Wish {
    let mut line = String::new();
    let read = std::io::Read::take(std::io::stdin().lock(), LINE).read_line(&mut line);
    match (read, line.trim()) {
        (Ok(0) | Err(_), _) | (_, "q" | "Q") => Wish::Stop,
        (_, "s" | "S") => Wish::Skip,
        (_, _) => Wish::Again,
    }
}

/// What waits to be made, and what a maker began and did not end: the oldest first, at most [`MOST`].
async fn waiting(server: &Server) -> Result<Vec<pb::Fabrication>, Failure> {
    let mut orders = Vec::new();
    for state in [pb::FabricationState::Waiting, pb::FabricationState::Running] {
        let mut page_token = String::new();
        while orders.len() < MOST {
            let request = pb::ListFabricationsRequest { page_size: 100, page_token, state: state.into() };
            let mut client = FabricationServiceClient::new(server.line());
            let page = server.answer(client.list_fabrications(request).await)?;
            orders.extend(page.fabrications);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
    }
    orders.truncate(MOST);
    orders.sort_by_key(|order| order.changed_at.as_ref().and_then(eseal_proto::moment::micros));
    Ok(orders)
}
