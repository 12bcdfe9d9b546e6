module github.com/troupe-go/troupe/codec/protobuf

go 1.26.0

require (
	github.com/stretchr/testify v1.12.1
	github.com/troupe-go/troupe v0.0.0
	google.golang.org/protobuf v1.36.12
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/vmihailenco/msgpack/v5 v5.3.6 // indirect
	github.com/vmihailenco/tagparser/v2 v2.0.0 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
)

replace github.com/troupe-go/troupe => ../..
