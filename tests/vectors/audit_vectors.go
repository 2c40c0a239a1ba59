// Vectors for jobs/audit_log and jobs/signatures, by the Go project's own tlog and note (golang.org/x/mod v0.22.0,
// which the public checksum database runs on) and by go-securesystemslib v0.8.0 (DSSE). Proofs of RFC 9162 and
// signatures of Ed25519 (RFC 8032) are one text for one input, so ours must be equal to these byte for byte.
//
//	go mod init vectors && go get golang.org/x/mod@v0.22.0 github.com/secure-systems-lab/go-securesystemslib@v0.8.0
//	go run audit_vectors.go > audit_log.json
package main

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type proof struct {
	Of, Size int64
	Hashes   []string
}

func hashes(found []tlog.Hash, err error) []string {
	check(err)
	told := []string{}
	for _, each := range found {
		told = append(told, each.String())
	}
	return told
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type signer struct{ key ed25519.PrivateKey }

func (s signer) Sign(_ context.Context, data []byte) ([]byte, error) { return ed25519.Sign(s.key, data), nil }
func (s signer) KeyID() (string, error)                              { return "lakenym.example.org/log", nil }
func (s signer) Public() crypto.PublicKey                            { return s.key.Public() }
func (s signer) Verify(_ context.Context, data, sig []byte) error    { return nil }

const all, most = 17, 1000

func main() {
	stored := []tlog.Hash{}
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		found := []tlog.Hash{}
		for _, each := range at {
			found = append(found, stored[each])
		}
		return found, nil
	})
	roots, inclusion, consistency := map[string]string{}, []proof{}, []proof{}
	for n := int64(0); n < most; n++ {
		more, err := tlog.StoredHashes(n, []byte(fmt.Sprintf("leaf %d", n)), read)
		check(err)
		stored = append(stored, more...)
		size := n + 1
		if size > all && size != 256 && size != 257 && size != most {
			continue
		}
		root, err := tlog.TreeHash(size, read)
		check(err)
		roots[fmt.Sprint(size)] = root.String()
		for at := int64(0); at < size; at++ {
			if size > all && at%83 != 0 && at != size-1 {
				continue
			}
			inclusion = append(inclusion, proof{at, size, hashes(tlog.ProveRecord(size, at, read))})
			consistency = append(consistency, proof{at + 1, size, hashes(tlog.ProveTree(size, at+1, read))})
		}
	}
	seed := make([]byte, ed25519.SeedSize)
	for at := range seed {
		seed[at] = byte(at)
	}
	private := ed25519.NewKeyFromSeed(seed)
	name := "lakenym.example.org/log"
	vkey, err := note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey))
	check(err)
	verifier, err := note.NewVerifier(vkey)
	check(err)
	skey := fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, verifier.KeyHash(),
		base64.StdEncoding.EncodeToString(append([]byte{1}, seed...)))
	own, err := note.NewSigner(skey)
	check(err)
	text := name + "\n1000\n" + roots["1000"] + "\n"
	signed, err := note.Sign(&note.Note{Text: text}, own)
	check(err)
	payload := `{"_type":"https://in-toto.io/Statement/v1"}`
	envelopes, err := dsse.NewEnvelopeSigner(signer{private})
	check(err)
	envelope, err := envelopes.SignPayload(context.Background(), "application/vnd.in-toto+json", []byte(payload))
	check(err)
	told := map[string]any{
		"source": "tests/vectors/audit_vectors.go", "roots": roots, "inclusion": inclusion, "consistency": consistency,
		"seed": fmt.Sprintf("%x", seed), "verifier_key": vkey, "text": text, "note": string(signed),
		"payload": payload, "envelope": envelope,
	}
	check(json.NewEncoder(os.Stdout).Encode(told))
}
