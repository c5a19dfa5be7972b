//! The simulated machine forgets what was not synced, keeps what was, and repeats itself from its seed.

use std::path::Path;

use super::*;
use crate::Disk;
use crate::disk::{read_all, write_atomic};
use crate::error::{DiskOp, Error};

fn folder() -> &'static Path {
    Path::new("/data")
}

async fn machine(seed: u64) -> Machine {
    let machine = Machine::new(seed, 1_000_000_000);
    machine.disk.create_dir(folder()).await.unwrap();
    machine.disk.sync_dir(Path::new("/")).await.unwrap();
    machine
}

#[tokio::test(start_paused = true)]
async fn synced_bytes_under_a_synced_name_survive_every_cut() {
    for seed in 0..200 {
        let mut machine = machine(seed).await;
        let path = folder().join("log");
        let file = machine.disk.create(&path).await.unwrap();
        file.append(&[1; 2000]).await.unwrap();
        file.sync().await.unwrap();
        machine.disk.sync_dir(folder()).await.unwrap();
        file.append(&[2; 3000]).await.unwrap();
        machine.cut_power();
        let bytes = read_all(&*machine.disk, &path).await.unwrap();
        assert!(bytes.len() >= 2000 && bytes[..2000] == [1; 2000], "seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn unsynced_changes_are_lost_torn_or_kept_each_in_some_seed() {
    let (mut lost, mut torn, mut kept, mut nameless) = (0, 0, 0, 0);
    for seed in 0..300 {
        let mut machine = machine(seed).await;
        let path = folder().join("log");
        let file = machine.disk.create(&path).await.unwrap();
        file.append(&[7; 4096]).await.unwrap();
        machine.cut_power();
        match read_all(&*machine.disk, &path).await {
            Err(Error::NotFound(_)) => nameless += 1,
            Ok(bytes) if bytes.is_empty() => lost += 1,
            Ok(bytes) if bytes[..] == [7; 4096] => kept += 1,
            Ok(_) => torn += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(lost > 10 && torn > 10 && kept > 10 && nameless > 10, "{lost} {torn} {kept} {nameless}");
}

#[tokio::test(start_paused = true)]
async fn an_atomic_write_is_old_or_new_at_every_cut() {
    for cut_at in 0..12 {
        for seed in 0..20 {
            let mut machine = machine(seed).await;
            let path = folder().join("current");
            write_atomic(&*machine.disk, &path, &[1; 1500]).await.unwrap();
            machine.disk.lose_power_after(cut_at);
            tokio::select! {
                biased;
                () = machine.disk.power_lost() => {}
                result = write_atomic(&*machine.disk, &path, &[2; 1500]) => result.unwrap(),
            }
            machine.cut_power();
            let bytes = read_all(&*machine.disk, &path).await.unwrap();
            assert!(bytes[..] == [1; 1500] || bytes[..] == [2; 1500], "cut at {cut_at}, seed {seed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn files_and_locks_of_the_run_before_the_cut_are_dead() {
    let mut machine = machine(3).await;
    let path = folder().join("lock");
    let lock = machine.disk.lock(&path).await.unwrap();
    assert!(matches!(machine.disk.lock(&path).await, Err(Error::Locked { .. })));
    machine.kill_process();
    let held = machine.disk.lock(&path).await.unwrap();
    drop(lock);
    assert!(matches!(machine.disk.lock(&path).await, Err(Error::Locked { .. })), "the old lock freed the new one");
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_begins_with_an_image_has_its_files_and_changes_nobody_elses() {
    let first = machine(6).await;
    let path = folder().join("log");
    first.disk.create(&path).await.unwrap().append(&[1; 100]).await.unwrap();
    let lock = first.disk.lock(&folder().join("lock")).await.unwrap();
    let image = first.disk.image();
    for seed in 0..20 {
        let mut second = Machine::new(seed, 0);
        second.disk.restore(&image);
        drop(second.disk.lock(&folder().join("lock")).await.unwrap());
        second.disk.open(&path).await.unwrap().append(&[2; 100]).await.unwrap();
        second.cut_power();
        let bytes = read_all(&*second.disk, &path).await.unwrap();
        assert_eq!(bytes[..100], [1; 100], "what is in an image is durable");
    }
    assert_eq!(first.disk.peek(&path).unwrap(), [1; 100]);
    drop(lock);
}

#[tokio::test(start_paused = true)]
async fn faults_happen_where_they_were_planned() {
    let machine = machine(4).await;
    let file = machine.disk.create(&folder().join("log")).await.unwrap();
    machine.disk.inject(DiskOp::Append, "log", 1, Fault::ShortWrite);
    file.append(&[1; 100]).await.unwrap();
    assert!(matches!(file.append(&[2; 100]).await, Err(Error::Io { .. })));
    assert!((100..200).contains(&file.len().await.unwrap()));
    machine.disk.set_free_space(10);
    assert!(matches!(file.append(&[3; 100]).await, Err(Error::NoSpace(_))));
    let fired: Vec<_> = machine.disk.faults_fired().into_iter().collect();
    assert_eq!(fired, [(Fault::NoSpace, 1), (Fault::ShortWrite, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_failed_sync_is_never_made_good_by_the_next_one() {
    let mut lost = 0;
    for seed in 0..50 {
        let mut machine = machine(seed).await;
        let path = folder().join("log");
        let file = machine.disk.create(&path).await.unwrap();
        machine.disk.sync_dir(folder()).await.unwrap();
        machine.disk.inject(DiskOp::SyncFile, "log", 0, Fault::Io);
        file.append(&[1; 600]).await.unwrap();
        assert!(file.sync().await.is_err());
        machine.cut_power();
        lost += u32::from(read_all(&*machine.disk, &path).await.unwrap()[..] != [1; 600]);
    }
    assert!(lost > 10, "{lost}");
}

#[tokio::test(start_paused = true)]
async fn the_clock_follows_paused_time_and_its_tasks_end_with_the_machine() {
    let mut machine = machine(5).await;
    let env = machine.env();
    let before = env.clock.now_ns();
    env.clock.sleep(Duration::from_secs(3600)).await;
    assert_eq!(env.clock.now_ns() - before, 3_600_000_000_000);
    let task = env.spawner.spawn("sleeper", Box::pin(std::future::pending()));
    assert_eq!(env.spawner.running(), ["sleeper"]);
    env.spawner.spawn("clumsy", Box::pin(async { panic!("on purpose") })).join().await;
    assert_eq!(machine.spawner.panicked(), 1);
    machine.cut_power();
    task.join().await;
    env.spawner.spawn("late", Box::pin(async { panic!("ran on a dead machine") })).join().await;
}
