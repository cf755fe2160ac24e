//! What a script claims, and nobody has signed, is not believed.

use oxbeam_kernel::{NodeMessage, Offloaded, record};
use oxbeam_protocol::codec::{Links, Structured};
use oxbeam_protocol::commitment::{self, COMMITMENTS, CommitRequest, committers, signed_id};
use oxbeam_protocol::{Id, Message, NoContent, Value, Wallet};
use oxbeam_store::Persist;

use super::{map, now, read, scripted, spawn, spawn_with, text};
use crate::node::{TestNode, proven, signed};

/// Does what its messages tell it, and tells what it was sent.
const PUPPET: &str = "
    function compute(base, req)
        base.count = (base.count or 0) + 1
        base.results = { count = base.count }
        base.from = req.body['from-process']
        base.authority_of = req.body['from-authority']
        if req.body.type == 'Message' then load(req.body.code or '')(base, req) end
        return base
    end";

/// A process that does what it is told.
async fn puppet(node: &TestNode, name: &str) -> Id {
    spawn_with(node, scripted(PUPPET).with("name", name)).await
}

/// Tells a process what to do, as somebody else than the node, and pushes the slot.
async fn tell(node: &TestNode, process: Id, code: &str, more: Message) -> Message {
    let message = Message::from([("type", "Message"), ("code", code)]);
    let mut message = message.with("target", process.to_string());
    message.extend(more);
    let user = Wallet::generate_secp256k1().unwrap();
    let request = Message::new().with("body", signed(&message, &user));
    let request = request.with("path", format!("/{process}/push")).with("method", "POST");
    let answer = node.answer(request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.message
}

fn ids(more: &[(&'static str, Id)]) -> Message {
    more.iter().map(|(key, id)| (*key, id.to_string())).collect()
}

/// Whether a process is what it was.
async fn is_itself(node: &TestNode, process: Id) -> bool {
    let kept = node.node.contents().unwrap().read(process).await.unwrap().unwrap();
    node.node.is_scheduler_of(process).await.unwrap() == Some(true)
        && map(&kept).get("name") == Some(&"victim".into())
        && now(node, process, "count").await == 1.into()
}

#[actix_rt::test]
async fn a_process_sends_in_no_other_name_than_its_own() {
    let node = TestNode::start().await;
    let [victim, thief, to] =
        [puppet(&node, "victim").await, puppet(&node, "thief").await, puppet(&node, "to").await];
    let code = "local base, req = ...
        local claim = { committer = 'x', ['commitment-device'] = 'httpsig@1.0' }
        base.process = { commitments = { [req.body.victim] = claim }, authority = 'forged' }
        base.authority = 'forged'
        base.results = { outbox = { { target = req.body.to, action = 'Pay' } } }";
    tell(&node, thief, code, ids(&[("victim", victim), ("to", to)])).await;
    assert_eq!(now(&node, to, "from").await, thief.to_string().into());
    let trusted = now(&node, to, "authority_of").await;
    assert_eq!(trusted, node.node.address().into(), "and with no other authority");
}

#[actix_rt::test]
async fn a_process_cannot_put_its_results_where_another_is_found() {
    let node = TestNode::start().await;
    let victim = puppet(&node, "victim").await;
    let thief = puppet(&node, "thief").await;
    let code = "local base, req = ...
        local claim = { ['commitment-device'] = 'httpsig@1.0' }
        base.results = { commitments = { [req.body.victim] = claim }, scheduler = 'thief',
                         nested = { commitments = { [req.body.victim] = claim } } }";
    tell(&node, thief, code, ids(&[("victim", victim)])).await;
    assert!(is_itself(&node, victim).await);
    tell(&node, thief, &format!("{code} base.results.other = '1'"), ids(&[("victim", victim)]))
        .await;
    let store = node.node.store().unwrap();
    let results = [store.result(thief, 1).await.unwrap(), store.result(thief, 2).await.unwrap()];
    let [first, second] = results.map(|result| result.unwrap().result);
    assert_ne!(first, second, "every slot is named by what it came to");
    drop(store);
    let node = node.restarted(NodeMessage::default(), Vec::new()).await;
    assert!(is_itself(&node, victim).await);
    read(&node, thief, "compute&slot=1").await.unwrap().into_result().unwrap();
}

#[actix_rt::test]
async fn results_carry_on_the_signatures_that_hold() {
    let node = TestNode::start().await;
    let process = puppet(&node, "a").await;
    let code = "local base, req = ...
        local changed = {} for key, value in pairs(req.body) do changed[key] = value end
        changed.more = 'unsigned'
        base.results = { forwarded = req.body, list = { req.body }, changed = changed }";
    tell(&node, process, code, Message::new()).await;
    let result = node.node.store().unwrap().result(process, 1).await.unwrap().unwrap();
    let results = node.node.store().unwrap().content(result.result).await.unwrap().unwrap();
    let results = record::decode(&results).unwrap();
    let results = map(&results);
    commitment::verify_all(results, &NoContent).unwrap();
    assert_eq!(committers(map(results.get("forwarded").unwrap())).len(), 1);
    let Some(Value::List(list)) = results.get("list") else { panic!("{results:?}") };
    assert_eq!(committers(map(&list[0])).len(), 1);
    let changed = map(results.get("changed").unwrap());
    assert_eq!((committers(changed).len(), text(changed, "more")), (0, "unsigned".into()));
}

#[actix_rt::test]
async fn a_forged_message_in_an_outbox_takes_over_nothing_and_stops_nobody() {
    let node = TestNode::start().await;
    let [victim, thief, to] =
        [puppet(&node, "victim").await, puppet(&node, "thief").await, puppet(&node, "to").await];
    let code = "local base, req = ...
        local claim = { committer = 'anybody', ['commitment-device'] = 'httpsig@1.0' }
        local forged = { commitments = { [req.body.victim] = claim }, scheduler = 'thief' }
        local other = { Commitments = forged.commitments, ['commitments+link'] = req.body.victim }
        base.results = { outbox = { { target = req.body.to, x = forged, y = { forged },
                                      z = other, Commitments = forged.commitments } } }";
    let report = tell(&node, thief, code, ids(&[("victim", victim), ("to", to)])).await;
    assert_eq!(map(report.get("1").unwrap()).get("slot"), Some(&1.into()), "{report:?}");
    assert!(is_itself(&node, victim).await);
    assert_eq!(now(&node, to, "count").await, 2.into());
    let forged = read(&node, thief, "now/results/outbox/1/x").await.unwrap();
    assert!(forged.is_ok(), "it is the process's own to say");
}

#[actix_rt::test]
async fn a_signed_message_is_forwarded_as_it_was_signed() {
    let node = TestNode::start().await;
    let [from, to] = [puppet(&node, "from").await, puppet(&node, "to").await];
    let user = Wallet::generate_secp256k1().unwrap();
    let plain = Message::from([("Action", "Eval"), ("data", "1")]);
    for device in ["httpsig@1.0", "ans104@1.0"] {
        let request = CommitRequest { device: Some(device.into()), ..CommitRequest::default() };
        let letter = commitment::commit(&plain, &request, &user, &NoContent).unwrap();
        let code = "local base, req = ...
            local entry = { target = req.body.to, Letter = req.body.letter }
            if req.body.change then entry.Letter.more = 'unsigned' end
            base.results = { outbox = { entry } }";
        for (change, signers) in [(false, 1), (true, 0)] {
            let mut more = ids(&[("to", to)]).with("letter", letter.clone());
            if change {
                more.insert("change", "yes");
            }
            let report = tell(&node, from, code, more).await;
            let slot = map(report.get("1").unwrap()).get("slot").unwrap().clone();
            let Value::Integer(slot) = slot else { panic!("{report:?}") };
            let slot = u64::try_from(&slot).unwrap();
            let store = node.node.store().unwrap();
            let sent = oxbeam_kernel::assignment::read(&*store, to, slot).await.unwrap().unwrap();
            let sent = map(sent.get("body").unwrap()).get("letter").unwrap().clone();
            assert_eq!(committers(map(&sent)).len(), signers, "{device} {sent:?}");
            assert_eq!(now(&node, to, "at-slot").await, (slot as i64).into(), "it is computed");
        }
    }
}

#[actix_rt::test]
async fn an_answer_with_a_forged_message_in_it_takes_over_nothing() {
    let node = TestNode::start().await;
    let victim = puppet(&node, "victim").await;
    let claim = Message::from([("committer", "x"), ("commitment-device", "httpsig@1.0")]);
    for claim in [claim.clone(), claim.without(&["committer"])] {
        let forged = Message::from([("scheduler", "thief")])
            .with(COMMITMENTS, Message::new().with(victim.to_string(), claim));
        let offloaded = Offloaded::default();
        let answer = Value::from(Message::new().with("x", forged));
        Structured { links: Links::Offload(&offloaded) }.encode(&answer).unwrap();
        node.node.contents().unwrap().keep_offloaded(offloaded).await.unwrap();
        assert!(is_itself(&node, victim).await);
    }
}

#[actix_rt::test]
async fn a_strangers_copy_of_a_part_of_a_definition_changes_nothing() {
    let node = TestNode::start().await;
    let source = "function compute(base, req)
        base.results = { signed = base.policy.commitments and 'yes' or 'no',
                         part = base.process.policy.commitments and 'yes' or 'no' }
        return base end";
    let policy = Message::from([("limit", "10"), ("owner", "me")]);
    let process = spawn_with(&node, scripted(source).with("policy", policy.clone())).await;
    let before = read(&node, process, "compute&slot=0").await.unwrap().into_result().unwrap();
    let stranger = Wallet::generate_secp256k1().unwrap();
    let contents = node.node.contents().unwrap();
    let copy = signed(&policy, &stranger);
    contents.keep(&proven(&copy), Persist::Synced).await.unwrap();
    let shown = contents.read(signed_id(&copy.clone().into()).unwrap()).await.unwrap().unwrap();
    assert_eq!(committers(map(&shown)).len(), 1, "it is known");
    super::send(&node, process, Message::from([("data", "1")])).await;
    now(&node, process, "results/signed").await;
    let past = read(&node, process, "compute&slot=0").await.unwrap().into_result().unwrap();
    assert_eq!(past, before);
    drop(contents);
    let node = node.restarted(NodeMessage::default(), Vec::new()).await;
    super::send(&node, process, Message::from([("data", "2")])).await;
    for key in ["signed", "part"] {
        assert_eq!(now(&node, process, &format!("results/{key}")).await, "no".into());
    }
    assert_eq!(now(&node, process, "at-slot").await, 2.into());
}

#[actix_rt::test]
async fn however_many_strangers_sign_a_definition_the_process_is_reached() {
    let node = TestNode::start().await;
    let process = spawn(&node, PUPPET).await;
    let contents = node.node.contents().unwrap();
    let known = contents.read(process).await.unwrap().unwrap();
    let known = contents.load_all(known).await.unwrap();
    let definition = map(&known).clone().without(&["commitments"]);
    for _ in 0..3 {
        let mut copy = definition.clone();
        for _ in 0..7 {
            copy = signed(&copy, &Wallet::generate_secp256k1().unwrap());
        }
        let id = signed_id(&copy.clone().into()).unwrap();
        contents.keep(&proven(&copy), Persist::Synced).await.unwrap();
        let found = contents.read_named(id).await.unwrap().unwrap();
        assert_eq!(committers(map(&found)).len(), 7, "they are found by what they have signed");
    }
    let shown = contents.read(process).await.unwrap().unwrap();
    assert_eq!(committers(map(&shown)).len(), 22);
    tell(&node, process, "", Message::new()).await;
    assert_eq!(now(&node, process, "count").await, 2.into());
    let current = read(&node, process, "slot/current").await.unwrap();
    assert_eq!(current.value, 1.into());
}

#[actix_rt::test]
async fn a_script_of_a_process_asks_for_nothing_that_differs_from_node_to_node() {
    let node = TestNode::start().await;
    let source = "function compute(base, req)
        if req.body.ask then base.got = select(2, ao.resolve({ path = req.body.ask })) end
        return base end";
    let asked = async |ask: String| {
        let process = spawn_with(&node, scripted(source).with("name", ask.clone())).await;
        super::send(&node, process, Message::new().with("ask", ask)).await;
        read(&node, process, "now/got").await.unwrap()
    };
    assert_eq!(asked("/~message@1.0&x=5/x".into()).await.value, "5".into());
    let other = spawn(&node, source).await;
    let elsewhere = [
        ("meta@1.0", "/~meta@1.0/info/address".to_owned()),
        ("scheduler@1.0", format!("/~scheduler@1.0/slot&target={other}/current")),
        ("process@1.0", format!("/{other}/now/at-slot")),
    ];
    for (device, ask) in elsewhere {
        let outcome = asked(ask).await;
        assert!(!outcome.is_ok(), "{outcome:?}");
        assert!(format!("{outcome:?}").contains(device), "{outcome:?}");
    }
}
