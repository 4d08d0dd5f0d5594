// The same operations in Go: net/http and pgx, one statement for each request.
package main

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/argon2"
)

const issuer = "todo-backend"

// Moment is a time as RFC 3339 with milliseconds.
type Moment struct{ time.Time }

func (m Moment) MarshalJSON() ([]byte, error) {
	return m.UTC().AppendFormat(make([]byte, 0, 26), `"2006-01-02T15:04:05.000Z"`), nil
}

type Task struct {
	ID          uuid.UUID `json:"id"`
	Title       string    `json:"title"`
	Description *string   `json:"description"`
	IsCompleted bool      `json:"is_completed"`
	UserID      uuid.UUID `json:"user_id"`
	CreatedAt   Moment    `json:"created_at"`
	UpdatedAt   Moment    `json:"updated_at"`
}

type Page struct {
	Tasks      []Task  `json:"tasks"`
	Total      *int    `json:"total,omitempty"`
	Limit      int     `json:"limit"`
	Offset     *int    `json:"offset,omitempty"`
	NextCursor *string `json:"next_cursor"`
}

type User struct {
	ID        uuid.UUID `json:"id"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	CreatedAt Moment    `json:"created_at"`
}

type Content struct {
	Title       string  `json:"title"`
	Description *string `json:"description"`
}

const (
	columns = "id, title, description, is_completed, owner_id, created_at, updated_at"
	byID    = "select " + columns + " from todo.tasks where id = $1 and owner_id = $2"

	// A write is one statement: it locks the owner's list, takes the next number, and writes list, journal and task.
	moved   = "open = list.open + task.is_completed::int - task.next::int, done = list.done - task.is_completed::int + task.next::int"
	removed = "open = list.open - (not task.is_completed)::int, done = list.done - task.is_completed::int"
	locked  = `with change as (
		with locked as materialized (select owner_id, changed_at from todo.task_lists where owner_id = $2 for update),
			task as materialized (select t.id, t.is_completed, greatest(now(), locked.changed_at, t.updated_at + interval '1 millisecond') as touched, `
	counted = ` as next from todo.tasks t, locked where t.owner_id = locked.owner_id and t.id = $1 for update of t)
		update todo.task_lists list set revision = list.revision + 1, changed_at = task.touched, `
	written = ` from task where list.owner_id = $2 returning list.owner_id, list.revision, task.id, task.next, task.touched),
	journal as (
		insert into todo.task_changes (owner_id, revision, task_id, changed_at) select owner_id, revision, id, touched from change) `
	touched = "is_completed = change.next, updated_at = change.touched, revision = change.revision " +
		"from change where t.owner_id = $2 and t.id = $1 and change.id = t.id returning t.id, " + rest
	rest   = "title, description, is_completed, t.owner_id, created_at, updated_at"
	update = locked + "t.is_completed" + counted + moved + written + "update todo.tasks t set title = $3, description = $4, " + touched
	finish = locked + "$3::boolean" + counted + moved + written + "update todo.tasks t set " + touched
	remove = locked + "false" + counted + removed + written +
		"delete from todo.tasks t using change where t.owner_id = $2 and t.id = $1 and change.id = t.id"
	insert = `with change as (
		update todo.task_lists set revision = revision + 1, open = open + 1, changed_at = greatest(now(), changed_at)
		where owner_id = $2 returning owner_id, revision, changed_at),
	journal as (
		insert into todo.task_changes (owner_id, revision, task_id, changed_at) select owner_id, revision, $1, changed_at from change)
	insert into todo.tasks (owner_id, id, title, description, created_at, updated_at, revision)
	select owner_id, $1, $3, $4, changed_at, changed_at, revision from change returning ` + columns

	list = "select " + columns + ", (select open + done from todo.task_lists where owner_id = $1) from todo.tasks where owner_id = $1 " +
		"order by created_at desc, id desc limit $2 offset $3"
	listAfter = "select " + columns + " from todo.tasks where owner_id = $1 and (created_at, id) < ($2, $3) " +
		"order by created_at desc, id desc limit $4"
	login = "select id, email, name, created_at, password_hash from todo.users where email = $1"
)

type server struct {
	pool   *pgxpool.Pool
	secret []byte
}

func answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		log.Panic(err)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(text)
}

func refuse(w http.ResponseWriter, status int, detail string) {
	answer(w, status, map[string]any{"detail": detail, "status_code": status})
}

func broken(w http.ResponseWriter, err error) {
	log.Print(err)
	refuse(w, 500, "Internal server error")
}

func scanned(t *Task) []any {
	return []any{&t.ID, &t.Title, &t.Description, &t.IsCompleted, &t.UserID, &t.CreatedAt.Time, &t.UpdatedAt.Time}
}

// owned wraps a handler: whoever asks has a token, and the handler gets whose it is.
func (s *server) owned(next func(http.ResponseWriter, *http.Request, uuid.UUID)) http.HandlerFunc {
	parser := jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer(issuer), jwt.WithAudience(issuer), jwt.WithExpirationRequired())
	key := func(*jwt.Token) (any, error) { return s.secret, nil }
	return func(w http.ResponseWriter, r *http.Request) {
		var claims jwt.RegisteredClaims
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if _, err := parser.ParseWithClaims(token, &claims, key); err != nil {
			refuse(w, 401, "Invalid authentication credentials")
			return
		}
		owner, err := uuid.Parse(claims.Subject)
		if err != nil {
			refuse(w, 401, "Invalid authentication credentials")
			return
		}
		next(w, r, owner)
	}
}

// one answers the task that a statement returns.
func (s *server) one(w http.ResponseWriter, r *http.Request, status int, sql string, args ...any) {
	var task Task
	err := s.pool.QueryRow(r.Context(), sql, args...).Scan(scanned(&task)...)
	if errors.Is(err, pgx.ErrNoRows) {
		refuse(w, 404, "Task not found")
		return
	}
	if err != nil {
		broken(w, err)
		return
	}
	if status == 201 {
		w.Header().Set("Location", "/api/tasks/"+task.ID.String())
	}
	answer(w, status, &task)
}

// body reads a strict JSON body.
func body(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		refuse(w, 422, err.Error())
		return false
	}
	return true
}

func content(w http.ResponseWriter, r *http.Request) (Content, bool) {
	var c Content
	if !body(w, r, &c) {
		return c, false
	}
	if n := utf8.RuneCountInString(c.Title); n < 1 || n > 200 || c.Description != nil && utf8.RuneCountInString(*c.Description) > 2000 {
		refuse(w, 422, "title or description has a wrong length")
		return c, false
	}
	return c, true
}

func pathID(w http.ResponseWriter, r *http.Request) (uuid.UUID, bool) {
	id, err := uuid.Parse(r.PathValue("id"))
	if err != nil {
		refuse(w, 422, "task_id must be a UUID")
	}
	return id, err == nil
}

// number reads a query parameter.
func number(r *http.Request, name string, preset, least, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return preset, nil
	}
	n, err := strconv.Atoi(text)
	if err == nil && (n < least || n > most) {
		err = fmt.Errorf("%s is out of range", name)
	}
	return n, err
}

func (s *server) list(w http.ResponseWriter, r *http.Request, owner uuid.UUID) {
	limit, wrongLimit := number(r, "limit", 50, 1, 100)
	offset, wrongOffset := number(r, "offset", 0, 0, 1<<53-1)
	if err := errors.Join(wrongLimit, wrongOffset); err != nil {
		refuse(w, 422, err.Error())
		return
	}
	page := Page{Limit: limit, Tasks: make([]Task, 0, limit+1)}
	var rows pgx.Rows
	var err error
	cursor := r.URL.Query().Get("cursor")
	if cursor == "" {
		page.Offset, page.Total = &offset, new(int)
		rows, err = s.pool.Query(r.Context(), list, owner, limit+1, offset)
	} else {
		text, _ := base64.RawURLEncoding.DecodeString(cursor)
		at, id, _ := strings.Cut(string(text), "|")
		moment, wrongTime := time.Parse(time.RFC3339Nano, at)
		after, wrongID := uuid.Parse(id)
		if wrong := errors.Join(wrongTime, wrongID); wrong != nil {
			refuse(w, 422, wrong.Error())
			return
		}
		rows, err = s.pool.Query(r.Context(), listAfter, owner, moment, after, limit+1)
	}
	if err != nil {
		broken(w, err)
		return
	}
	defer rows.Close()
	for rows.Next() {
		page.Tasks = append(page.Tasks, Task{})
		into := scanned(&page.Tasks[len(page.Tasks)-1])
		if page.Total != nil {
			into = append(into, page.Total)
		}
		if err := rows.Scan(into...); err != nil {
			broken(w, err)
			return
		}
	}
	if err := rows.Err(); err != nil {
		broken(w, err)
		return
	}
	if len(page.Tasks) > limit {
		page.Tasks = page.Tasks[:limit]
		last := page.Tasks[limit-1]
		next := base64.RawURLEncoding.EncodeToString([]byte(last.CreatedAt.UTC().Format(time.RFC3339Nano) + "|" + last.ID.String()))
		page.NextCursor = &next
	}
	answer(w, 200, &page)
}

func (s *server) login(w http.ResponseWriter, r *http.Request) {
	var given struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if !body(w, r, &given) {
		return
	}
	var user User
	var hash string
	err := s.pool.QueryRow(r.Context(), login, given.Email).Scan(&user.ID, &user.Email, &user.Name, &user.CreatedAt.Time, &hash)
	if err != nil || !verified(hash, given.Password) {
		refuse(w, 401, "Invalid email or password")
		return
	}
	now := time.Now()
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": user.ID, "email": user.Email, "iss": issuer, "aud": issuer, "iat": now.Unix(), "exp": now.Unix() + 1800,
	}).SignedString(s.secret)
	if err != nil {
		broken(w, err)
		return
	}
	answer(w, 200, map[string]any{"access_token": token, "token_type": "bearer", "expires_in": 1800, "user": user})
}

// verified compares a password with an Argon2id hash in PHC string format.
func verified(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 {
		return false
	}
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false
	}
	salt, _ := base64.RawStdEncoding.DecodeString(parts[4])
	want, _ := base64.RawStdEncoding.DecodeString(parts[5])
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

func main() {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	if err != nil {
		log.Fatal(err)
	}
	size, _ := strconv.Atoi(os.Getenv("POOL_SIZE"))
	config.MaxConns = int32(size)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		log.Fatal(err)
	}
	s := &server{pool, []byte(os.Getenv("SECRET_KEY"))}

	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/auth/login", s.login)
	mux.HandleFunc("GET /api/tasks", s.owned(s.list))
	mux.HandleFunc("POST /api/tasks", s.owned(func(w http.ResponseWriter, r *http.Request, owner uuid.UUID) {
		if c, ok := content(w, r); ok {
			s.one(w, r, 201, insert, uuid.Must(uuid.NewV7()), owner, c.Title, c.Description)
		}
	}))
	mux.HandleFunc("GET /api/tasks/{id}", s.owned(func(w http.ResponseWriter, r *http.Request, owner uuid.UUID) {
		if id, ok := pathID(w, r); ok {
			s.one(w, r, 200, byID, id, owner)
		}
	}))
	mux.HandleFunc("PUT /api/tasks/{id}", s.owned(func(w http.ResponseWriter, r *http.Request, owner uuid.UUID) {
		if id, ok := pathID(w, r); ok {
			if c, ok := content(w, r); ok {
				s.one(w, r, 200, update, id, owner, c.Title, c.Description)
			}
		}
	}))
	mux.HandleFunc("PATCH /api/tasks/{id}/complete", s.owned(func(w http.ResponseWriter, r *http.Request, owner uuid.UUID) {
		id, ok := pathID(w, r)
		var completion struct {
			IsCompleted bool `json:"is_completed"`
		}
		if ok && body(w, r, &completion) {
			s.one(w, r, 200, finish, id, owner, completion.IsCompleted)
		}
	}))
	mux.HandleFunc("DELETE /api/tasks/{id}", s.owned(func(w http.ResponseWriter, r *http.Request, owner uuid.UUID) {
		id, ok := pathID(w, r)
		if !ok {
			return
		}
		tag, err := s.pool.Exec(r.Context(), remove, id, owner)
		if err != nil {
			broken(w, err)
		} else if tag.RowsAffected() == 0 {
			refuse(w, 404, "Task not found")
		} else {
			w.WriteHeader(204)
		}
	}))
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
}
