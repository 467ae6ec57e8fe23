"""Scenarios in a real Neovim against a real model (SmolLM2 in llama.cpp): what a scripted gateway cannot prove."""
