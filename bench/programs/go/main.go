// Serves SMTP with go-smtp, and keeps nothing: main PORT
package main

import (
	"errors"
	"io"
	"log"
	"os"

	"github.com/emersion/go-smtp"
)

type backend struct{}

func (backend) Login(_ *smtp.ConnectionState, _, _ string) (smtp.Session, error) {
	return nil, smtp.ErrAuthUnsupported
}

func (backend) AnonymousLogin(_ *smtp.ConnectionState) (smtp.Session, error) {
	return session{}, nil
}

type session struct{}

func (session) Mail(_ string, _ smtp.MailOptions) error { return nil }
func (session) Rcpt(_ string) error                     { return nil }
func (session) Reset()                                  {}
func (session) Logout() error                           { return nil }

func (session) Data(content io.Reader) error {
	octets, err := io.Copy(io.Discard, content)
	if err == nil && octets == 0 {
		return errors.New("nothing in it")
	}
	return err
}

func main() {
	server := smtp.NewServer(backend{})
	server.Addr = "127.0.0.1:" + os.Args[1]
	server.Domain = "mx.example.com"
	server.AuthDisabled = true
	log.Fatal(server.ListenAndServe())
}
