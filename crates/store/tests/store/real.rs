//! On the real disk: what the simulated one cannot show.

use env::real;
use parts::MergeMode;
use store::{Error, Store, StoreConfig};

use crate::world::*;

#[tokio::test]
async fn rows_are_there_after_closing_and_after_not_closing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    let config = || StoreConfig { free_bytes_min: 0, ..StoreConfig::default() };
    let store = Store::open(real::env(), &path, config()).await.unwrap();
    let table = create(&store, "t", MergeMode::Plain).await;
    insert(&store, table, &[(1, 10)]).await.unwrap();
    let second = Store::open(real::env(), &path, config()).await.unwrap_err();
    assert!(matches!(&second, Error::Disk(env::Error::Locked { pid, .. }) if *pid == std::process::id().to_string()));
    store.close().await.unwrap();
    drop(store);

    let env = real::env();
    let store = Store::open(env.clone(), &path, config()).await.unwrap();
    insert(&store, table, &[(2, 20)]).await.unwrap();
    drop(store);
    env.spawner.abort_all();
    env.spawner.join_all().await;

    let store = Store::open(real::env(), &path, config()).await.unwrap();
    assert_eq!(rows(&store.snapshot(), table), [(1, 10), (2, 20)]);
    store.close().await.unwrap();
}
