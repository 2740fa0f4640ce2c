// Package bench measures what loopitr spends its time on, side by side with other
// programs in one call: for each row, repetitions of all contenders take turns, so
// that whatever else the machine does meets all of them.
//
// The peers are the engines of this binary, and PyTorch, Faiss and Pillow in
// Python, each in a process of its own that runs a script of peers/. A peer that
// is not there is left out and the table says why. Nothing is installed.
//
// Times are only worth something on an idle machine. Nothing here is a test.
//
// Start with Run and Report.Print.
package bench
