"""What pages share: words for codes, drawings, template tags. No models and no addresses of its own."""
