// A MongoDB-protocol database in one static binary: FerretDB on SQLite, for machines that cannot pull mongo:7.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	// Below this level FerretDB writes a line for each connection and dumps each refused command.
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: slog.LevelError}))
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	database, err := ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: ":27017"},
		Logger:   log,
		Handler:  "sqlite",
		// FULL: each commit is on the disk before it is acknowledged, so that not even a power cut takes it back.
		SQLiteURL: "file:/data/db/?_pragma=synchronous(full)",
	})
	if err != nil {
		log.Error("cannot start", "error", err)
		os.Exit(1)
	}
	println("FerretDB waits for connections on port 27017")

	ended := make(chan error, 1)
	go func() { ended <- database.Run(stopped) }()
	<-stopped.Done()
	println("stopping: what is under way may finish")
	// FerretDB waits 3 s for idle clients to leave. What was acknowledged is on the disk, so nothing needs that.
	select {
	case <-ended:
	case <-time.After(300 * time.Millisecond):
	}
}
