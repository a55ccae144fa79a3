// How the pinned etcd is built from the Go module registry; go.sum has its siblings too, which its own go.sum takes from folders beside it.
module etcd-tools

go 1.26.0

require go.etcd.io/etcd/server/v3 v3.7.3
